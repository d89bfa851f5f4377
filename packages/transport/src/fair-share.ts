/**
 * Who may send next when bytes per second are limited, in total and for each peer: pure. A limit is a token bucket that may go into
 * debt by what is sent at once; among those who wait, the peer that has had least goes first (start-time fair queueing, Goyal, Vin and
 * Cheng 1996), so that each gets an equal share however large its pieces and however many connections it has.
 */

/** Bytes per second; what is left out is not limited. */
export interface BandwidthLimits {
  /** All peers together. */
  readonly total?: number
  /** Each peer. */
  readonly perPeer?: number
}

/** What a bucket holds at most: a burst of this many ms, so that a timer that comes late loses nothing. */
const BURST_MS = 100

class Bucket {
  readonly #perMs: number
  #level: number
  #at: number

  constructor(perSecond: number, now: number) {
    this.#perMs = perSecond / 1_000
    this.#level = this.#perMs * BURST_MS
    this.#at = now
  }

  /** 0 when something may go at `now`; otherwise how long until then, in ms. */
  waitMs(now: number): number {
    this.#fill(now)
    return this.#level > 0 ? 0 : Math.max(1, Math.ceil(-this.#level / this.#perMs))
  }

  spend(bytes: number, now: number): void {
    this.#fill(now)
    this.#level -= bytes
  }

  #fill(now: number): void {
    this.#level = Math.min(this.#perMs * BURST_MS, this.#level + (now - this.#at) * this.#perMs)
    this.#at = now
  }
}

interface Peer<Member> {
  readonly bucket: Bucket | undefined
  /** What it has had, in bytes, counted from where the others were when it began. */
  had: number
  members: number
  /** Those of its members that wait, in their order. */
  readonly waiting: Set<Member>
}

export class FairShare<Member> {
  readonly #perPeer: number | undefined
  readonly #total: Bucket | undefined
  readonly #peers = new Map<string, Peer<Member>>()
  /** What the peer that was served last had had: who comes anew begins there, and cannot catch up on what it did not ask for. */
  #served = 0
  #waiting = 0

  constructor({ total, perPeer }: BandwidthLimits, now: number) {
    this.#perPeer = perPeer
    this.#total = total === undefined ? undefined : new Bucket(total, now)
  }

  /** Somebody who will ask in the name of that peer; {@link FairShare.leave} undoes it. */
  join(peer: string, now: number): void {
    const known = this.#peers.get(peer)
    if (known !== undefined) {
      known.members += 1
      return
    }
    const bucket = this.#perPeer === undefined ? undefined : new Bucket(this.#perPeer, now)
    this.#peers.set(peer, { bucket, had: this.#served, members: 1, waiting: new Set() })
  }

  leave(peer: string, member: Member): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    if (known.waiting.delete(member)) this.#waiting -= 1
    known.members -= 1
    if (known.members === 0) this.#peers.delete(peer)
  }

  /** Whether the member may send something now. If not it waits, once however often it asks. */
  ask(peer: string, member: Member, now: number): boolean {
    const known = this.#peers.get(peer)
    if (known === undefined) return true
    if (this.#waiting === 0 && this.#waitMs(known, now) === 0) {
      this.#serve(known)
      return true
    }
    if (known.waiting.size === 0) known.had = Math.max(known.had, this.#served)
    if (!known.waiting.has(member)) this.#waiting += 1
    known.waiting.add(member)
    return false
  }

  /** What the peer has sent, whether it was asked for or not. */
  spend(peer: string, bytes: number, now: number): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#total?.spend(bytes, now)
    known.bucket?.spend(bytes, now)
    known.had += bytes
  }

  /** The member whose turn it is, which waits no more; or in how many ms to ask again; or undefined when nobody waits. */
  next(now: number): { readonly member: Member } | { readonly inMs: number } | undefined {
    if (this.#waiting === 0) return undefined
    const inTotal = this.#total?.waitMs(now) ?? 0
    if (inTotal > 0) return { inMs: inTotal }
    let first: Peer<Member> | undefined
    let inMs = Number.POSITIVE_INFINITY
    for (const each of this.#peers.values()) {
      if (each.waiting.size === 0) continue
      const wait = each.bucket?.waitMs(now) ?? 0
      if (wait > 0) inMs = Math.min(inMs, wait)
      else if (first === undefined || each.had < first.had) first = each
    }
    if (first === undefined) return { inMs }
    const [member] = first.waiting
    first.waiting.delete(member as Member)
    this.#waiting -= 1
    this.#serve(first)
    return { member: member as Member }
  }

  #waitMs({ bucket }: Peer<Member>, now: number): number {
    return Math.max(this.#total?.waitMs(now) ?? 0, bucket?.waitMs(now) ?? 0)
  }

  #serve({ had }: Peer<Member>): void {
    this.#served = Math.max(this.#served, had)
  }
}
