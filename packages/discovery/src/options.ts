import { isIPv4 } from 'node:net'
import type { RequestsEndpoint } from '@pc/dispatch'
import type { Network, PeerId } from '@pc/identity'
import {
  type Address,
  type Clock,
  DISCOVERY_PORT,
  type Logger,
  type NetworkInterface,
  type NetworkProtocol,
  type Random,
  silentLogger,
  systemClock,
  systemRandom,
} from '@pc/transport'
import { DiscoveryError } from './errors.js'
import type { HintSource } from './sightings.js'

/** Somebody of this network may listen there. Nothing is proved: the handshake does that. */
export interface Hint {
  readonly address: Address
  /** See `Discovery.matches`. */
  readonly blindedId: Uint8Array
  readonly epoch: number
  readonly bootId: Uint8Array
  /** `answer`: to our own announcement, so the dialling is ours; `announcement`: theirs, and they have not dialled. */
  readonly source: HintSource
  /** Inferred from the source address. */
  readonly interface?: string
}

export interface DiscoveryOptions {
  protocol: NetworkProtocol
  /** Announcements leave and come in through it; root code DISCOVERY must be free. It is not closed. */
  endpoint: RequestsEndpoint
  network: Network
  /** Our own id: sent blinded. */
  id: PeerId
  /** The one the endpoint has: what this boot itself has sent is never taken for a peer. */
  bootId: Uint8Array
  /** Where this peer listens, TCP and UDP alike; what comes in there must reach `endpoint.receive`. */
  port: number
  /** The interfaces to use now; asked every 3 s. Only IPv4 ones are used. */
  interfaces: () => readonly NetworkInterface[]
  /**
   * Called for each hint: at most once a second for a boot, up to once in 30 s while hints lead to no connection, and
   * never for boots that are `connected`.
   */
  onHint: (hint: Hint) => void
  /** Shared by all peers of a machine. @default 3486 */
  discoveryPort?: number
  /** IPv4 multicast group. @default '239.1.11.11' */
  group?: string
  /** @default systemClock */
  clock?: Clock
  /** @default systemRandom */
  random?: Random
  /** @default silentLogger */
  logger?: Logger
  /** Gives up creating: `create` rejects with its reason. */
  signal?: AbortSignal
}

export type ResolvedOptions = Required<Omit<DiscoveryOptions, 'signal'>>

/** Administratively scoped (RFC 2365): never leaves the site, and no well-known protocol uses it. */
const GROUP = '239.1.11.11'

/** @throws DiscoveryError INVALID_OPTION */
export function resolveOptions(options: DiscoveryOptions): ResolvedOptions {
  const { signal: _, ...given } = options
  const resolved = {
    discoveryPort: DISCOVERY_PORT,
    group: GROUP,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    ...given,
  }
  checkPort('port', resolved.port)
  checkPort('discoveryPort', resolved.discoveryPort)
  const first = Number.parseInt(resolved.group, 10)
  if (!isIPv4(resolved.group) || first < 224 || first > 239) {
    throw new DiscoveryError('INVALID_OPTION', `expected group to be an IPv4 multicast address, got ${resolved.group}`)
  }
  return resolved
}

function checkPort(name: string, port: number): void {
  if (Number.isInteger(port) && port >= 1 && port <= 0xffff) return
  throw new DiscoveryError('INVALID_OPTION', `expected ${name} to be a port from 1 to 65535, got ${port}`)
}
