/**
 * What a newcomer does once it knows its neighbours (Maymounkov and Mazières 2002, §2.3): it gets to know some in each part of the space farther
 * away. The paper looks up a random position there; here whoever is known nearest to it is asked for others, and as many of those are asked as are
 * missing. That costs half as much, and a lookup's last steps would only tell who is the very nearest, which is of no use here.
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

/** Peers near a place that are asked for others: one may be silent, or know nobody, or not want to say. */
const INFORMERS = 2

/** Resolves when all parts were looked into. What does not answer is left. Rejects with the signal's reason. */
export async function fillTable(parts: TableFillParts, signal?: AbortSignal): Promise<void> {
  const { position, random, table, calls } = parts
  for (const { target, sharedBits, missing } of table.partsToFill(random)) {
    let wanted = missing
    for (const informer of table.closest(target, INFORMERS, { among: 'likely' })) {
      signal?.throwIfAborted()
      if (wanted <= 0) break
      const isStranger = ({ key, position: there }: Contact): boolean =>
        commonPrefix(position, there) === sharedBits && table.get(key) === undefined
      wanted -= await calls.meet((await hintsOf(informer, target, calls)).filter(isStranger).slice(0, wanted))
    }
  }
}

/** Whom a peer names; nobody when it does not answer. */
async function hintsOf(informer: Contact, target: Position, calls: Calls): Promise<readonly Contact[]> {
  return calls.ask(informer, { type: 'find-node', target }, readFindNodeReply).catch(() => [])
}
