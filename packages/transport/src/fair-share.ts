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

  /** For what goes without being allowed: it makes others wait for one burst at most, however much it is. */
  charge(bytes: number, now: number): void {
    this.#fill(now)
    this.#level = Math.min(this.#level, Math.max(this.#level - bytes, -this.#perMs * BURST_MS))
  }

  #fill(now: number): void {
    this.#level = Math.min(this.#perMs * BURST_MS, this.#level + (now - this.#at) * this.#perMs)
    this.#at = now
  }
}

interface Peer<Member> {
  readonly bucket: Bucket | undefined
  /** What it has had of what it asked for, in bytes, counted from where the others were when it began. */
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

  /** Whether the member may send something now. If not it waits, once however often it asks, until {@link FairShare.next} names it. */
  ask(peer: string, member: Member, now: number): boolean {
    const known = this.#peers.get(peer)
    if (known === undefined) return true
    if (known.waiting.size === 0) known.had = Math.max(known.had, this.#served)
    if (!known.waiting.has(member)) this.#waiting += 1
    known.waiting.add(member)
    const [first] = known.waiting
    if (first !== member || this.#turn(now) !== known) return false
    this.#serve(known, member)
    return true
  }

  /** What a member has sent after it was allowed to. */
  spend(peer: string, bytes: number, now: number): void {
    const known = this.#peers.get(peer)
    if (known === undefined) return
    this.#total?.spend(bytes, now)
    known.bucket?.spend(bytes, now)
    known.had += bytes
  }

  /** What the peer has sent without asking: it takes nothing from the peer's share. */
  charge(peer: string, bytes: number, now: number): void {
    this.#total?.charge(bytes, now)
    this.#peers.get(peer)?.bucket?.charge(bytes, now)
  }

  /** The member whose turn it is, which waits no more; or in how many ms to ask again; or undefined when nobody waits. */
  next(now: number): { readonly member: Member } | { readonly inMs: number } | undefined {
    if (this.#waiting === 0) return undefined
    const first = this.#turn(now)
    if (first === undefined) return { inMs: this.#soonest(now) }
    const [member] = first.waiting
    this.#serve(first, member as Member)
    return { member: member as Member }
  }

  /** Of the peers that wait and may send now, the one that has had least. */
  #turn(now: number): Peer<Member> | undefined {
    if ((this.#total?.waitMs(now) ?? 0) > 0) return undefined
    let first: Peer<Member> | undefined
    for (const each of this.#peers.values()) {
      if (each.waiting.size === 0 || (each.bucket?.waitMs(now) ?? 0) > 0) continue
      if (first === undefined || each.had < first.had) first = each
    }
    return first
  }

  /** Until somebody who waits may send. */
  #soonest(now: number): number {
    let inMs = Number.POSITIVE_INFINITY
    for (const { waiting, bucket } of this.#peers.values()) {
      if (waiting.size > 0) inMs = Math.min(inMs, bucket?.waitMs(now) ?? 0)
    }
    return Math.max(inMs, this.#total?.waitMs(now) ?? 0)
  }

  #serve(peer: Peer<Member>, member: Member): void {
    peer.waiting.delete(member)
    this.#waiting -= 1
    this.#served = Math.max(this.#served, peer.had)
  }
}
