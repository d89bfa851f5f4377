/**
 * Lazy repair, the half that announces: after a rumor came, its key is told to neighbours again and again, with growing pauses, until it draws no
 * interest any more (the counter of Demers et al. 1987 §1.4, with digests in place of rumors).
 *
 * Where we differ from three neighbours by chance each time: whoever is known to have it is not told, and whoever was told is not told again, but
 * where neighbours are few. So the rounds that draw no interest have reached most of them, and the last one tells the rest.
 *
 * The first announcement waits until pushes have had time to arrive by another way. How long they take shows in second copies: where machines are
 * busy, announcements would hold up the very pushes that make them needless.
 */
import { RoundTripEstimate } from '@pc/transport'
import { DIGEST_ROUNDS, digestDelay, pushDelay } from './formulas.js'
import { MAX_KEYS } from './messages.js'
import type { Live } from './neighbours.js'

interface Digest {
  readonly receivedAt: number
  /** What a second copy may take. */
  readonly patienceMs: number
  isCopied: boolean
  round: number
  dueAt: number
  /** Rounds in a row that drew no interest. */
  quiet: number
  wanted: boolean
  /** Neighbours that have it, by their own word. */
  readonly having: Set<string>
  /** Neighbours that were told. */
  readonly told: Set<string>
}

/** Rounds without interest after which the rest is told, and it is over. */
const MAX_QUIET = 3
/** Neighbours that are told in a round. */
const TOLD_AT_ONCE = 3
/** Whoever has so many neighbours hears of a rumor by one of them, whatever is lost; where they are fewer they are told again. */
const ENOUGH_NEIGHBOURS = 8
/** Digests that are due so soon go with those that are due now: a datagram holds 137. */
export const TOGETHER_MS = 2
/** So many of those that are not due are looked at for a place in a datagram that goes anyway. */
const MAX_WAITING = 2 * MAX_KEYS
/** Peers that are remembered to have one rumor: neighbours change little while it is announced. */
const MAX_NOTED = 64

export class Digests {
  readonly #limit: number
  readonly #random: () => number
  readonly #digests = new Map<string, Digest>()
  /** From the first copy of a rumor to the second. */
  readonly #secondCopies = new RoundTripEstimate()

  /** @param limit rumors announced at a time; beyond it the one received first is announced no more: anti-entropy is left */
  constructor(limit: number, random: () => number) {
    this.#limit = limit
    this.#random = random
  }

  get size(): number {
    return this.#digests.size
  }

  /** When the next is due, or infinity. */
  get dueAt(): number {
    let dueAt = Number.POSITIVE_INFINITY
    for (const digest of this.#digests.values()) dueAt = Math.min(dueAt, digest.dueAt)
    return dueAt
  }

  /** Announces a rumor from now on. Gives back when first. @param having who has it, by its own word */
  start(key: string, now: number, having: Iterable<string>): number {
    const patienceMs = pushDelay(this.#secondCopies.smoothed)
    const dueAt = now + digestDelay(0, patienceMs, this.#random())
    this.#digests.set(key, {
      receivedAt: now,
      patienceMs,
      isCopied: false,
      round: 0,
      dueAt,
      quiet: 0,
      wanted: false,
      having: new Set(having),
      told: new Set(),
    })
    for (const oldest of this.#digests.keys()) {
      if (this.#digests.size <= this.#limit) break
      this.#digests.delete(oldest)
    }
    return dueAt
  }

  stop(key: string): void {
    this.#digests.delete(key)
  }

  /** Somebody has it, as it says. */
  has(key: string, peer: string): void {
    note(this.#digests.get(key)?.having, peer)
  }

  /** It was pushed to this peer once more. One that holds copies back makes others wait for at most twice as long as before. */
  copied(key: string, now: number): void {
    const digest = this.#digests.get(key)
    if (digest === undefined || digest.isCopied) return
    digest.isCopied = true
    this.#secondCopies.measured(Math.min(now - digest.receivedAt, digest.patienceMs))
  }

  /** It was sent to somebody, who gets it unless it is lost. */
  told(key: string, peer: string): void {
    note(this.#digests.get(key)?.told, peer)
  }

  /** Somebody wants it: it is still news. */
  drew(key: string): void {
    const digest = this.#digests.get(key)
    if (digest !== undefined) digest.wanted = true
  }

  /** Whom to tell what now: for each neighbour the keys, so that they share datagrams. What was announced before goes along where there is room. */
  due(now: number, neighbours: readonly Live[]): Map<Live, string[]> {
    const telling = new Map<Live, string[]>()
    const order = this.#turned(neighbours)
    const waiting: [string, Digest][] = []
    for (const [key, digest] of this.#digests) {
      if (digest.dueAt > now + TOGETHER_MS) {
        if (digest.round > 0 && waiting.length < MAX_WAITING) waiting.push([key, digest])
        continue
      }
      for (const live of this.#targets(digest, order, now)) {
        const keys = telling.get(live)
        if (keys === undefined) telling.set(live, [key])
        else keys.push(key)
      }
      if (digest.round >= DIGEST_ROUNDS || digest.quiet >= MAX_QUIET) this.#digests.delete(key)
    }
    for (const [live, keys] of telling) {
      for (const [key, digest] of waiting) {
        if (keys.length >= MAX_KEYS) break
        if (!lacks(digest, live)) continue
        keys.push(key)
        note(digest.told, live.key)
      }
    }
    return telling
  }

  #targets(digest: Digest, order: readonly Live[], now: number): Live[] {
    digest.quiet = digest.wanted || digest.round === 0 ? 0 : digest.quiet + 1
    digest.wanted = false
    digest.round += 1
    digest.dueAt = now + digestDelay(digest.round, digest.patienceMs, this.#random())
    const untold = order.filter((live) => lacks(digest, live))
    const isFew = order.length < ENOUGH_NEIGHBOURS
    const told = isFew ? order.filter(({ key }) => digest.told.has(key) && !digest.having.has(key)) : []
    const count = digest.quiet >= MAX_QUIET ? untold.length : TOLD_AT_ONCE
    const targets = [...untold, ...told].slice(0, count)
    for (const { key } of targets) note(digest.told, key)
    return targets
  }

  /** Begins anywhere: neighbours stand in an order of chance already, and each draw of chance has its price. */
  #turned(list: readonly Live[]): Live[] {
    const first = Math.floor(this.#random() * list.length)
    return [...list.slice(first), ...list.slice(0, first)]
  }
}

/** Neither is known that it has it nor was it told. */
function lacks({ having, told }: Digest, { key }: Live): boolean {
  return !having.has(key) && !told.has(key)
}

function note(peers: Set<string> | undefined, key: string): void {
  if (peers !== undefined && peers.size < MAX_NOTED) peers.add(key)
}
