/**
 * What a newcomer does once it knows its neighbours (Maymounkov and Mazières 2002, §2.3): it gets to know some in each part of the space farther
 * away. The paper looks up a random position there; here one peer of that part is asked for the nearest to it, and as many of those are asked
 * as are missing. That costs half as much, and a lookup's last steps would only tell who is the very nearest, which is of no use here.
 */
import type { Random } from '@pc/transport'
import type { Calls } from './calls.js'
import type { Contact } from './contact.js'
import { readFindNodeReply } from './messages.js'
import { commonPrefix, type Position } from './position.js'
import type { RoutingTable } from './routing-table.js'

export interface TableFillParts {
  /** Where this peer stands. */
  readonly position: Position
  readonly random: Random
  readonly table: RoutingTable
  readonly calls: Calls
}

/** Peers of one part that are asked for others, if the first is silent. */
const INFORMERS = 2

/** Resolves when all parts were looked into. What does not answer is left. Rejects with the signal's reason. */
export async function fillTable(parts: TableFillParts, signal?: AbortSignal): Promise<void> {
  for (const { target, sharedBits, missing } of parts.table.partsToFill(parts.random)) {
    signal?.throwIfAborted()
    const hints = await hintsNear(target, parts)
    const { position, table, calls } = parts
    const strangers = hints.filter(
      (hint) => commonPrefix(position, hint.position) === sharedBits && table.get(hint.key) === undefined,
    )
    await calls.meet(strangers.slice(0, missing))
  }
}

async function hintsNear(target: Position, { table, calls }: TableFillParts): Promise<readonly Contact[]> {
  for (const informer of table.closest(target, INFORMERS)) {
    const hints = await calls.ask(informer, { type: 'find-node', target }, readFindNodeReply).catch(() => undefined)
    if (hints !== undefined) return hints
  }
  return []
}
