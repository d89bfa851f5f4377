import type { Identity, SignedPeerRecord } from '@pc/identity'
import type { Clock, Logger, Random } from '@pc/transport'
import type { Rpc } from './calls.js'
import type { Validator } from './record-store.js'
import type { RoutingTableLimits } from './routing-table.js'

export interface KademliaOptions {
  /** Of this peer: signs what it publishes. */
  readonly identity: Identity
  /** How requests reach others. */
  readonly rpc: Rpc
  /** What this peer says of itself: read each time it is put on its list, so a newer one takes the place of the older. */
  readonly record: () => SignedPeerRecord
  /** Records of other peers that are at hand, for whoever looks for one. @default none but what was found here, the latest 10,000 */
  readonly recordOf?: (id: Uint8Array) => Uint8Array | undefined
  /** Of what others store here by the first segment of its salt; see `Validator`. @default none is checked beyond its signature */
  readonly validators?: ReadonlyMap<string, Validator>
  readonly table?: Partial<RoutingTableLimits>
  readonly lookups?: LookupSettings
  /** @default systemClock */
  readonly clock?: Clock
  /** @default systemRandom */
  readonly random?: Random
  /** pino-shaped. @default silent */
  readonly logger?: Logger
}

export interface LookupSettings {
  /** k: on how many peers a value is stored, and how many are found. @default 20 */
  readonly count?: number
  /** α: requests under way at a time, until a lookup gets no nearer. More: faster, and more requests. @default 3 */
  readonly parallelism?: number
  /**
   * Disjoint paths: no peer is asked by two of them, so that whoever misleads one does not mislead all. With a fifth of all peers
   * lying, 4 find 97 % and 8 nearly everything; each costs about as many requests as the first. @default 1
   */
  readonly paths?: number
  /** Contacts of one host in a lookup: more on one machine are ignored. @default 2 */
  readonly perAddress?: number
}
