import type { Identity, PeerId, SignedPeerRecord } from '@pc/identity'
import type { Clock, Logger, Random } from '@pc/transport'
import type { Rpc } from './calls.js'
import type { LookupOptions } from './lookup-options.js'
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
  /**
   * Reads what a peer says of itself, signature and all; undefined for what is none, or not that of the peer `of`. One that remembers what it
   * has read spares much: the same entries of lists come from every holder. @default readPeerRecord each time
   */
  readonly readRecord?: (bytes: Uint8Array, of?: PeerId) => SignedPeerRecord | undefined
  /** Of what others store here by the first segment of its salt; see `Validator`. @default none is checked beyond its signature */
  readonly validators?: ReadonlyMap<string, Validator>
  readonly table?: Partial<RoutingTableLimits>
  /** How lookups go, when a single one is not told otherwise. */
  readonly lookups?: Omit<LookupOptions, 'self' | 'slowAfterMs'>
  /** @default systemClock */
  readonly clock?: Clock
  /** @default systemRandom */
  readonly random?: Random
  /** pino-shaped. @default silent */
  readonly logger?: Logger
}
