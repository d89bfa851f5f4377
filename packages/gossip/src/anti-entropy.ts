/**
 * Two peers compare what they have and give each other what is missing (anti-entropy, Demers et al. 1987 §1.3, push and pull). It is what remains
 * when pushes and digests are over: after a partition, a sleep, or for who has just come.
 */
import { keyOfBytes } from '@pc/wire'
import { type Hop, hopLength } from './messages.js'
import { lackedBy, type Origins } from './origins.js'
import { MAX_TTL_MS } from './rumor.js'
import type { RumorCache } from './rumor-cache.js'
import { type Exchange, MAX_EXCHANGE_BYTES, MAX_VECTOR_BYTES, type VectorEntry, vectorLength } from './sync-messages.js'

/**
 * How far back vectors go. The notes of this protocol say 5 minutes; what lives longer would be offered again to peers that have it, so it is the
 * longest life of a rumor.
 */
const HORIZON_MS = MAX_TTL_MS
/** Of what may be in one exchange, beside the vector. */
const MAX_RUMORS = 500
const HEAD_BYTES = 16

export class AntiEntropy {
  readonly #origins: Origins
  readonly #cache: RumorCache

  constructor(parts: { origins: Origins; cache: RumorCache }) {
    this.#origins = parts.origins
    this.#cache = parts.cache
  }

  /** What to begin an exchange with. */
  ask(now: number): Exchange {
    return { type: 'sync', vector: this.#vector(now) }
  }

  /** The answer to somebody with that vector. */
  tell(theirs: readonly VectorEntry[], now: number): Exchange {
    const vector = this.#vector(now)
    return { type: 'tell', vector, ...this.#lacking(theirs, now, MAX_EXCHANGE_BYTES - vectorLength(vector)) }
  }

  /** What the other side lacks as its vector says, or undefined when there is nothing. */
  push(theirs: readonly VectorEntry[], now: number): Exchange | undefined {
    const { rumors } = this.#lacking(theirs, now, MAX_EXCHANGE_BYTES)
    return rumors.length === 0 ? undefined : { type: 'push', rumors }
  }

  #vector(now: number): VectorEntry[] {
    return this.#origins.vector(now, HORIZON_MS, MAX_VECTOR_BYTES)
  }

  /**
   * First what is surely lacking: origins that their vector does not name may have found no room in it. Of each, the lowest sequences first: what does
   * not fit is then above what the other side knows, where its next vector shows it.
   */
  #lacking(theirs: readonly VectorEntry[], now: number, maxBytes: number): { rumors: Hop[]; more: boolean } {
    const lacks = lackedBy(theirs)
    const lacking = [...this.#cache.live(now)].filter(({ rumor }) => lacks(rumor))
    const named = new Set(theirs.map(({ origin }) => keyOfBytes(origin)))
    const rankOf = ({ rumor }: Hop): number => (named.has(keyOfBytes(rumor.origin)) ? 0 : 1)
    lacking.sort((a, b) => rankOf(a) - rankOf(b) || a.rumor.sequence - b.rumor.sequence)
    const rumors: Hop[] = []
    let left = maxBytes - HEAD_BYTES
    for (const hop of lacking) {
      left -= 2 + hopLength(hop)
      if (left < 0 || rumors.length >= MAX_RUMORS) return { rumors, more: true }
      rumors.push(hop)
    }
    return { rumors, more: false }
  }
}
