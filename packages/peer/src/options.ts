/** What a program may choose about its peer, in one object; checked once, before anything is opened. */
import type { Authorize } from '@pc/dispatch'
import { type Identity, isPeerName } from '@pc/identity'
import type { MessagingOptions } from '@pc/messaging'
import type { Clock, ConnectionLimits, InterfaceRules, Logger, NetworkProtocol, Random } from '@pc/transport'
import { PeerError } from './errors.js'

export interface PeerOptions {
  /** The key of this peer: an identity, or the path of its key file (made on first use, mode 0600). */
  readonly identity: Identity | string
  /** What other people see; 1 to 64 bytes. @default the short id */
  readonly name?: string
  /** Peers of other networks are not seen at all. Only the name for now: everybody may join. @default 'peerconnect' */
  readonly network?: string
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
  readonly messaging?: Pick<MessagingOptions, 'journal' | 'inbox' | 'limits'>
  readonly connections?: Partial<ConnectionLimits>
  /** Connections and datagrams of another kind, for tests. @default TLS 1.3 and UDP of this machine */
  readonly protocol?: NetworkProtocol
  readonly clock?: Clock
  readonly random?: Random
  /** pino-shaped. @default silent */
  readonly logger?: Logger
  /** Aborts the start; a started peer is stopped with `close()`. */
  readonly signal?: AbortSignal
}

export const DEFAULT_NETWORK = 'peerconnect'

/** Refuses what could only fail later and less clearly. */
export function checkOptions(options: PeerOptions): void {
  const { name, network, ports, discovery, interfaces = {} } = options
  if (name !== undefined && !isPeerName(name)) {
    throw new PeerError(
      'BAD_OPTIONS',
      `Option "name": expected 1 to 64 bytes without ~, / and control characters, got ${JSON.stringify(name)}.`,
    )
  }
  if (network !== undefined) checkNetwork(network)
  // A text here would be taken for "no rules", and announce everywhere.
  if (typeof interfaces !== 'object' || ![interfaces.allow ?? [], interfaces.deny ?? []].every(Array.isArray)) {
    throw new PeerError(
      'BAD_OPTIONS',
      `Option "interfaces": expected { allow?: string[], deny?: string[] }, got ${JSON.stringify(interfaces)}.`,
    )
  }
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

/** Only the members that are there: an option that was not given keeps its default below. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
