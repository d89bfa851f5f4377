/**
 * Requests that are being served or were served lately, so that one which comes again is not run again: by peer and id, so that a
 * request may come again by another session or from another address. Two generations: when the young one is full the old one is
 * forgotten. Pure.
 */
import type { PeerId } from '@pc/identity'

/** Of each generation. At 10,000 requests a second a request is remembered for a third of a second at least, which is 13 time-outs. */
const MAX_REPLIES = 4_096
const MAX_BYTES = 2_097_152

/** `undefined`: it is being served. */
export type Reply = Uint8Array | undefined

/** By text of the peer's id, and key of the request. */
type Generation = Map<string, Map<number, Reply>>

export class ReplyCache {
  #young: Generation = new Map()
  #old: Generation = new Map()
  #count = 0
  #bytes = 0

  /** Whether the request is known; if not, it is now. */
  begin(peer: PeerId, key: number): { reply: Reply } | undefined {
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
    if (this.#count < MAX_REPLIES && this.#bytes < MAX_BYTES) return
    this.#old = this.#young
    this.#young = new Map()
    this.#count = 0
    this.#bytes = 0
  }
}
