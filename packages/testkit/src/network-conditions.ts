import { TestkitError } from './errors.js'
import type { SeededRandom } from './seeded-random.js'

/** What the network does to traffic between machines, and hosts to what they receive. Within one machine nothing is lost. */
export interface NetworkConditions {
  /** The part of the one-way delay that is always there, in ms. @default 0.3 */
  delayMs: number
  /** Mean of the exponential part of the one-way delay, in ms; drawn per packet, so large values reorder. @default 0.7 */
  jitterMs: number
  /** Probability that a packet is lost. Streams send it again after 200, 400, 800 … ms. @default 0 */
  loss: number
  /** The same for datagrams to groups and broadcasts, which no link repeats. @default as `loss` */
  multicastLoss: number | undefined
  /** Probability that a datagram arrives twice. @default 0 */
  duplication: number
  /** Probability that a datagram is held back for up to `reorderMs`. @default 0 */
  reordering: number
  /** Longest time a datagram is held back by `reordering`, in ms. @default 10 */
  reorderMs: number
  /** Probability per packet that its direction between two machines clogs: everything in it waits until that is over. @default 0 */
  clogging: number
  /** Longest time a direction stays clogged, in ms. @default 1000 */
  clogMs: number
  /** Bytes per second that each interface sends, and that it receives; 0 is without limit. @default 0 */
  bandwidth: number
  /** What waits before an interface when there is a `bandwidth`: datagrams beyond it are dropped, streams wait. @default 262144 */
  queueBytes: number
  /** Time that each datagram takes its receiver, in ms: a host does one thing at a time. @default 0 */
  hostTimeMs: number
  /** The same for the handshake of a stream, at either end. @default 0 */
  handshakeHostMs: number
  /** What waits in each socket for a host that is busy or paused; datagrams beyond it are dropped. @default 212992 */
  receiveBufferBytes: number
  /** What a stream may have on the way or unread at the other end before a write has to wait. @default 65536 */
  windowBytes: number
  /** Larger datagrams are refused. @default 1200 */
  maxDatagramBytes: number
}

/** A quiet office network. */
export const OFFICE_CONDITIONS: Readonly<NetworkConditions> = {
  delayMs: 0.3,
  jitterMs: 0.7,
  loss: 0,
  multicastLoss: undefined,
  duplication: 0,
  reordering: 0,
  reorderMs: 10,
  clogging: 0,
  clogMs: 1_000,
  bandwidth: 0,
  queueBytes: 262_144,
  hostTimeMs: 0,
  handshakeHostMs: 0,
  // Linux: net.core.rmem_default.
  receiveBufferBytes: 212_992,
  // The window of TCP without the scaling option; a real stack grows it to megabytes.
  windowBytes: 65_536,
  // What fits a 1,280-byte IPv6 minimum MTU with room to spare; larger ones would be fragmented on some network.
  maxDatagramBytes: 1_200,
}

/** A day: longer than any of these times makes sense for, and still far from what adds up inexactly. */
const LONGEST_MS = 86_400_000
const MOST_BYTES = Number.MAX_SAFE_INTEGER

/** Lowest and highest value of each. */
const RANGES: Readonly<Record<keyof NetworkConditions, readonly [number, number]>> = {
  delayMs: [0, LONGEST_MS],
  jitterMs: [0, LONGEST_MS],
  loss: [0, 1],
  multicastLoss: [0, 1],
  duplication: [0, 1],
  reordering: [0, 1],
  reorderMs: [0, LONGEST_MS],
  clogging: [0, 1],
  clogMs: [0, LONGEST_MS],
  bandwidth: [0, MOST_BYTES],
  queueBytes: [1, MOST_BYTES],
  hostTimeMs: [0, LONGEST_MS],
  handshakeHostMs: [0, LONGEST_MS],
  receiveBufferBytes: [1, MOST_BYTES],
  windowBytes: [1, MOST_BYTES],
  // The most that UDP can carry over IPv4.
  maxDatagramBytes: [1, 65_507],
}

/** The conditions given over those there are; throws BAD_ARGUMENT for unknown names and values out of range. */
export function mergeConditions(
  current: Readonly<NetworkConditions>,
  changes: Partial<NetworkConditions>,
): Readonly<NetworkConditions> {
  for (const [name, value] of Object.entries(changes)) {
    const range = Object.hasOwn(RANGES, name) ? RANGES[name as keyof NetworkConditions] : undefined
    if (range === undefined) {
      throw new TestkitError(
        'BAD_ARGUMENT',
        `unknown network condition ${JSON.stringify(name)}; there are ${Object.keys(RANGES).join(', ')}`,
      )
    }
    if (value !== undefined && !(typeof value === 'number' && value >= range[0] && value <= range[1])) {
      throw new TestkitError('BAD_ARGUMENT', `${name} must be between ${range[0]} and ${range[1]}, got ${value}`)
    }
  }
  return { ...current, ...withoutUndefined(changes) }
}

/** One draw of the one-way delay, in ms. */
export function drawDelay(conditions: NetworkConditions, random: SeededRandom): number {
  return conditions.jitterMs === 0 ? conditions.delayMs : conditions.delayMs + random.exponential(conditions.jitterMs)
}

/** How much longer a datagram is held back, in ms. */
export function drawHoldBack(conditions: NetworkConditions, random: SeededRandom): number {
  const { reordering, reorderMs } = conditions
  return reordering > 0 && random.float() < reordering ? random.float() * reorderMs : 0
}

/** Whether something of probability `p` happens; draws nothing when it cannot. */
export function happens(p: number, random: SeededRandom): boolean {
  return p > 0 && random.float() < p
}

function withoutUndefined(changes: Partial<NetworkConditions>): Partial<NetworkConditions> {
  // `multicastLoss: undefined` is a value of its own: it means "as loss" again.
  return Object.fromEntries(
    Object.entries(changes).filter(([name, value]) => value !== undefined || name === 'multicastLoss'),
  )
}
