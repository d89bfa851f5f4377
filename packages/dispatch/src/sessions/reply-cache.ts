/**
 * Requests that are being served or were served lately, so that one which comes again is not run again: by peer and id, so that a
 * request may come again by another session or from another address. Two generations: when the young one is full or has lasted its
 * time, the old one is forgotten, but for what is still being served. Pure.
 */
import type { PeerId } from '@pc/identity'

/** Of each generation. At 10,000 requests a second a request is remembered for a third of a second at least, which is 13 time-outs. */
const MAX_REPLIES = 4_096
const MAX_BYTES = 2_097_152
/** Repetitions of a request come within its time-out, which is a second as a rule. */
const GENERATION_MS = 30_000

/** `undefined`: it is being served. */
export type Reply = Uint8Array | undefined

/** By text of the peer's id, and key of the request. */
type Generation = Map<string, Map<number, Reply>>

export class ReplyCache {
  #young: Generation = new Map()
  #old: Generation = new Map()
  #count = 0
  #bytes = 0
  #bornAt = Number.NEGATIVE_INFINITY

  /** Whether the request is known; if not, it is now. Every one that begins must `end`. */
  begin(peer: PeerId, key: number, now: number): { reply: Reply } | undefined {
    if (now - this.#bornAt >= GENERATION_MS) {
      this.#bornAt = now
      this.#rotate()
    }
    const text = peer.toString()
    const young = this.#young.get(text)
    if (young?.has(key)) return { reply: young.get(key) }
    const old = this.#old.get(text)
    if (old?.has(key)) return { reply: old.get(key) }
    this.#put(text, key, undefined)
    return undefined
  }

  /** What was answered. */
  end(peer: PeerId, key: number, reply: Uint8Array): void {
    this.#bytes += reply.length
    this.#put(peer.toString(), key, reply)
  }

  #put(peer: string, key: number, reply: Reply): void {
    const replies = this.#young.get(peer)
    if (replies !== undefined) {
      if (!replies.has(key)) this.#count += 1
      replies.set(key, reply)
    } else {
      this.#count += 1
      this.#young.set(peer, new Map([[key, reply]]))
    }
    if (this.#count >= MAX_REPLIES || this.#bytes >= MAX_BYTES) this.#rotate()
  }

  #rotate(): void {
    const forgotten = this.#old
    this.#old = this.#young
    this.#young = new Map()
    this.#count = 0
    this.#bytes = 0
    for (const [peer, replies] of forgotten) {
      for (const [key, reply] of replies) if (reply === undefined && !this.#ended(peer, key)) this.#keep(peer, key)
    }
  }

  /** Whether a later generation has its reply. */
  #ended(peer: string, key: number): boolean {
    return this.#old.get(peer)?.get(key) !== undefined
  }

  /** Bounded by what handlers take at once. */
  #keep(peer: string, key: number): void {
    const replies = this.#young.get(peer) ?? new Map<number, Reply>()
    this.#young.set(peer, replies.set(key, undefined))
  }
}
