/** What a program may choose about its peer, in one object; checked once, before anything is opened. */
import type { Authorize, RequestsEndpointLimits } from '@pc/dispatch'
import { type Identity, isPeerName, type KeyExchange, type Network } from '@pc/identity'
import type { KademliaOptions } from '@pc/kademlia'
import type { MembershipLimits } from '@pc/membership'
import type { MessagingOptions } from '@pc/messaging'
import type {
  Clock,
  ConnectionLimits,
  ConnectorOptions,
  InterfaceRules,
  Logger,
  NetworkProtocol,
  Random,
} from '@pc/transport'
import type { KnownContact } from './dht-service.js'
import { PeerError } from './errors.js'
import type { PeerGossipOptions } from './gossip-service.js'

export interface PeerOptions {
  /** The key of this peer: an identity, or the path of its key file (made on first use, mode 0600). */
  readonly identity: Identity | string
  /** What other people see; 1 to 64 bytes. @default the short id */
  readonly name?: string
  /** Peers of other networks are not seen at all. @default 'peerconnect' */
  readonly network?: string
  /**
   * What the members of the network share, 8 to 1,024 bytes (a text counts in UTF-8): outsiders then connect to no peer, and learn no
   * id, name or key. Opening such a network takes about 0.1 s, once. Never logged. @default none: everybody may join
   */
  readonly networkSecret?: string | Uint8Array
  /**
   * Interfaces to use, by name (`{ allow: ['eth0'] }`). Without rules: all real ones, loopback only when there is no other.
   * With rules the peer listens, announces and dials on these alone: it listens at the addresses they had at its start, and dials
   * only addresses in their subnets.
   */
  readonly interfaces?: InterfaceRules
  /** Ports tried in order for TCP and UDP together; 0 is any. @default [3485, 3487, 3488, 3489, 3490, 3491, 0] */
  readonly ports?: readonly number[]
  /** The shared UDP port of announcements; `false` turns discovery off (peers are then met by address). @default 3486 */
  readonly discovery?: false | { readonly port?: number }
  /** What this peer offers, for others to search by: short words. @default [] */
  readonly capabilities?: readonly string[]
  /** Says who may call what. @default only handlers whose access is 'anyone' */
  readonly authorize?: Authorize
  /** Names of an earlier run, as `peer.names()` gave them. */
  readonly knownNames?: Readonly<Record<string, string>>
  /** Whom to ask first for the directory: contacts of an earlier run, as `peer.knownContacts()` gave them. What cannot be read is ignored. */
  readonly knownContacts?: readonly KnownContact[]
  /**
   * The directory that nobody runs (`peer.dht`): who checks what others store here, and its limits; `false` turns it off. Peers that share one
   * address, as on loopback, need higher limits per address; they are set where loopback is all there is.
   */
  readonly dht?: false | Pick<KademliaOptions, 'validators' | 'table' | 'lookups'>
  /** News for everybody and search (`peer.gossip`), and its limits; `false` turns it off. */
  readonly gossip?: false | PeerGossipOptions
  readonly messaging?: Pick<MessagingOptions, 'journal' | 'inbox' | 'limits'>
  readonly connections?: Partial<ConnectionLimits>
  /** Bytes per second that bulk connections may move, shared equally by the peers that want to. @default no limit */
  readonly bandwidth?: ConnectorOptions['bandwidth']
  /** Limits of datagrams, sessions and requests by datagram. */
  readonly datagrams?: RequestsEndpointLimits
  /** Another way to the keys of datagram sessions, for simulations. @default Noise of `@pc/identity` */
  readonly keyExchange?: (identity: Identity, network: Network) => KeyExchange
  /** Times and limits of failure detection. @default those of `@pc/membership` for local networks */
  readonly membership?: MembershipLimits
  /** Connections and datagrams of another kind, for tests. @default TLS 1.3 and UDP of this machine */
  readonly protocol?: NetworkProtocol
  readonly clock?: Clock
  readonly random?: Random
  /** pino-shaped. @default silent */
  readonly logger?: Logger
  /**
   * How peers appear in the log: `masked` as `id-` and 12 hexadecimal digits, the same for one peer throughout a run, or as their ids
   * in full. @default 'masked'
   */
  readonly logIds?: 'masked' | 'full'
  /** Secret bytes that masks are made with, at least 16: runs with the same ones show a peer by the same mask. @default new ones */
  readonly logKey?: Uint8Array
  /** Aborts the start; a started peer is stopped with `close()`. */
  readonly signal?: AbortSignal
}

export const DEFAULT_NETWORK = 'peerconnect'
/** One less than fits into 48 bits. */
const MAX_BOOT: number = 2 ** 48 - 2

/** Refuses what could only fail later and less clearly. */
export function checkOptions(options: PeerOptions): void {
  const { name, network, networkSecret, ports, discovery, interfaces = {}, logIds = 'masked', logKey } = options
  if (name !== undefined && !isPeerName(name)) {
    throw new PeerError(
      'BAD_OPTIONS',
      `Option "name": expected 1 to 64 bytes without ~, / and control characters, got ${JSON.stringify(name)}.`,
    )
  }
  if (network !== undefined) checkNetwork(network)
  if (networkSecret !== undefined) checkNetworkSecret(networkSecret)
  if (logIds !== 'masked' && logIds !== 'full') {
    throw new PeerError('BAD_OPTIONS', `Option "logIds": expected "masked" or "full", got ${JSON.stringify(logIds)}.`)
  }
  if (logKey !== undefined && !(logKey instanceof Uint8Array && logKey.length >= 16)) {
    throw new PeerError('BAD_OPTIONS', 'Option "logKey": expected at least 16 bytes.')
  }
  // A text here would be taken for "no rules", and announce everywhere.
  if (typeof interfaces !== 'object' || ![interfaces.allow ?? [], interfaces.deny ?? []].every(Array.isArray)) {
    throw new PeerError(
      'BAD_OPTIONS',
      `Option "interfaces": expected { allow?: string[], deny?: string[] }, got ${JSON.stringify(interfaces)}.`,
    )
  }
  checkBandwidth(options.bandwidth)
  checkGossip(options.gossip)
  const announcements = discovery === false ? undefined : discovery?.port
  if (
    announcements !== undefined &&
    !(Number.isInteger(announcements) && announcements >= 1 && announcements <= 65_535)
  ) {
    throw new PeerError(
      'BAD_OPTIONS',
      `Option "discovery.port": expected a whole number from 1 to 65535, got ${String(announcements)}.`,
    )
  }
  for (const port of ports ?? []) {
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new PeerError('BAD_OPTIONS', `Option "ports": expected whole numbers from 0 to 65535, got ${String(port)}.`)
    }
  }
  if (ports?.length === 0)
    throw new PeerError('BAD_OPTIONS', 'Option "ports": expected at least one port, got an empty list.')
}

function checkNetwork(network: string): void {
  const bytes = Buffer.byteLength(network)
  if (bytes >= 1 && bytes <= 64) return
  throw new PeerError('BAD_OPTIONS', `Option "network": expected 1 to 64 bytes, got ${JSON.stringify(network)}.`)
}

/** Its text has nothing of the secret. */
function checkNetworkSecret(secret: string | Uint8Array): void {
  const known = typeof secret === 'string' || secret instanceof Uint8Array
  const bytes = known ? Buffer.byteLength(secret) : 0
  if (bytes >= 8 && bytes <= 1_024) return
  const got = known ? `${bytes} bytes` : typeof secret
  throw new PeerError('BAD_OPTIONS', `Option "networkSecret": expected 8 to 1,024 bytes or such a text, got ${got}.`)
}

function checkBandwidth(bandwidth: PeerOptions['bandwidth'] = {}): void {
  for (const [direction, limits] of Object.entries(bandwidth)) {
    for (const [name, value] of Object.entries(limits ?? {})) {
      if (value === undefined || (typeof value === 'number' && value > 0)) continue
      const text = `Option "bandwidth.${direction}.${name}": expected bytes per second above 0, got ${String(value)}.`
      throw new PeerError('BAD_OPTIONS', text)
    }
  }
}

/** Of the limits `@pc/gossip` says what is wrong. */
function checkGossip(gossip: PeerOptions['gossip']): void {
  if (gossip === false) return
  const afterBoot = gossip?.afterBoot ?? 0
  if (Number.isSafeInteger(afterBoot) && afterBoot >= 0 && afterBoot <= MAX_BOOT) return
  throw new PeerError(
    'BAD_OPTIONS',
    `Option "gossip.afterBoot": expected an integer from 0 to ${MAX_BOOT}, got ${afterBoot}.`,
  )
}

/** Only the members that are there: an option that was not given keeps its default below. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
