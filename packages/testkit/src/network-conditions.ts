import { TestkitError } from './errors.js'
import type { SeededRandom } from './seeded-random.js'

/** What the network does to traffic between two addresses. Traffic within one address is never lost and takes 0.05 ms. */
export interface NetworkConditions {
  /** The part of the one-way delay that is always there, in ms. @default 0.3 */
  delayMs: number
  /** Mean of the exponential part of the one-way delay, in ms; drawn per packet, so large values reorder. @default 0.7 */
  jitterMs: number
  /** Probability that a packet is lost. Streams send it again after 200, 400, 800 … ms. @default 0 */
  loss: number
  /** Probability that a datagram arrives twice. @default 0 */
  duplication: number
  /** Probability that a datagram is held back for up to `reorderMs`. @default 0 */
  reordering: number
  /** Longest time a datagram is held back by `reordering`, in ms. @default 10 */
  reorderMs: number
}

/** A quiet office network. */
export const OFFICE_CONDITIONS: Readonly<NetworkConditions> = {
  delayMs: 0.3,
  jitterMs: 0.7,
  loss: 0,
  duplication: 0,
  reordering: 0,
  reorderMs: 10,
}

/** Linux's shortest retransmission timeout. */
const FIRST_RETRANSMISSION_MS = 200
/** At 30 % loss one packet in 1,700 gets this far; the limit only keeps a loss of 1 from looping for ever. */
const MAX_RETRANSMISSIONS = 6

/** The conditions given over those there are; throws BAD_ARGUMENT for what is no time or no probability. */
export function mergeConditions(
  current: Readonly<NetworkConditions>,
  changes: Partial<NetworkConditions>,
): Readonly<NetworkConditions> {
  const merged = { ...current }
  for (const name of Object.keys(current) as (keyof NetworkConditions)[]) {
    const value = changes[name]
    if (value === undefined) continue
    const highest = name.endsWith('Ms') ? Number.MAX_SAFE_INTEGER : 1
    if (!(value >= 0 && value <= highest)) {
      throw new TestkitError('BAD_ARGUMENT', `${name} must be between 0 and ${highest}, got ${value}`)
    }
    merged[name] = value
  }
  return merged
}

/** One draw of the one-way delay, in ms. */
export function drawDelay(conditions: NetworkConditions, random: SeededRandom): number {
  return conditions.delayMs + random.exponential(conditions.jitterMs)
}

/** The one-way delay of a piece of a stream, with the retransmissions that loss makes necessary. */
export function drawStreamDelay(conditions: NetworkConditions, random: SeededRandom): number {
  let delay = drawDelay(conditions, random)
  for (let attempt = 0; attempt < MAX_RETRANSMISSIONS && random.float() < conditions.loss; attempt++) {
    delay += FIRST_RETRANSMISSION_MS * 2 ** attempt
  }
  return delay
}

/** The delays of the copies of one datagram that arrive: none, one or two. */
export function drawDatagramDelays(conditions: NetworkConditions, random: SeededRandom): number[] {
  if (random.float() < conditions.loss) return []
  const copies = random.float() < conditions.duplication ? 2 : 1
  return Array.from({ length: copies }, () => {
    const heldBack = random.float() < conditions.reordering ? random.float() * conditions.reorderMs : 0
    return drawDelay(conditions, random) + heldBack
  })
}
