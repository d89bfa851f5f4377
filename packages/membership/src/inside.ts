/** What the parts of the state share: the table, the time, and how effects leave. */
import type { PeerId } from '@pc/identity'
import type { Effect } from './events.js'
import type { LocalHealth } from './local-health.js'
import type { Entry } from './member.js'
import type { Message } from './messages.js'
import type { MembershipLimits } from './options.js'
import type { RoundRobin } from './round-robin.js'
import type { Statement } from './statements.js'
import type { Table } from './table.js'

export interface Inside {
  readonly limits: Required<MembershipLimits>
  readonly random: () => number
  readonly table: Table
  readonly everybody: RoundRobin
  readonly health: LocalHealth
  /** The rules' time: what this machine slept through is left out. */
  readonly at: number
  /** The time as people see it: that of `handle`. */
  readonly now: number
  effect(effect: Effect): void
  /** Something about it has changed: when it needs attention next is worked out anew. */
  touch(entry: Entry): void
  /** @param statements what goes with it; left out: what is to be passed on */
  send(to: Entry, message: Message, statements?: readonly Pick<Statement, 'bytes'>[]): void
  /** To whom need not be in the table. */
  reply(to: PeerId, message: Message, stream: boolean): void
}

export function isLive({ state }: Entry): boolean {
  return state !== 'offline'
}
