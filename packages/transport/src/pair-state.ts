/**
 * Which of two control connections a pair keeps, and when the pair ends: pure.
 *
 * Both peers may dial each other at the same moment; the pair then has two connections, one dialled by each, and must end with one,
 * with no frame lost and none out of order. Every rule that both sides evaluate for themselves fails when they see different things:
 * one dial timed out on one side only, or is already broken there. So **one side decides, and only after it has seen that the
 * connection it wants to keep is alive at the other side**:
 *
 * 1. Preferred is the connection dialled by the peer with the smaller id, and that peer decides.
 * 2. The decider sends a ping over the preferred connection after the HELLO of the other has arrived. The pong proves that
 *    the other side holds the preferred one now.
 * 3. Then the decider *retires* the other: GOAWAY DUPLICATE is its last frame there, from now on it sends over the preferred
 *    one, and it keeps reading the retired one.
 * 4. The other side answers that GOAWAY with its own, its last frame there, ends the stream, and goes on over the preferred one.
 *    The decider, having read that, ends its side. Until then every side uses the connection that stood first.
 *
 * Order is kept: each side moves from the retired connection to the preferred one only, once, after its GOAWAY; so the receiver
 * *holds* frames of the preferred one until the less preferred one is through. That begins with the HELLO that a dialler sends:
 * the other side may use the new connection before its own HELLO is read here.
 *
 * Nothing is lost while the pair lives: **a connection is through when the other side's GOAWAY DUPLICATE was read on it. If one ends
 * in any other way, the pair ends with it**, whatever other connection it has, and what was held is dropped: what the other
 * side gave to the pair has then arrived up to some frame, and nothing behind that. The same when a dial of ours ends between our
 * HELLO and the other's (it may have sent over it), and when frames would be held for too long (`hold-expired`).
 */
import type { CloseCode } from './close-code.js'

export type PairInput =
  /** We have dialled, and said HELLO; `established`, `dial-ended` or `dial-lost` follows. At most one at a time. */
  | { type: 'dial-started' }
  /** Our dial is over, and the other side has sent nothing over it: it refused. Harmless after `established`. */
  | { type: 'dial-ended' }
  /** Our dial is over without a word of the other side, which may have taken it for a connection of the pair. */
  | { type: 'dial-lost' }
  /** HELLO came in on a new connection. `link` names it from here on. One for each dialler: numbers are not used again. */
  | { type: 'established'; link: number; dialledHere: boolean }
  /** The answer to the ping that `probe` asked for. */
  | { type: 'pong'; link: number; probe: number }
  | { type: 'goaway'; link: number; code: CloseCode }
  /** The connection is gone; nothing more will come from it. */
  | { type: 'ended'; link: number }
  /** Frames were held for as long, or in as great a number, as the driver allows. */
  | { type: 'hold-expired' }

export type PairEffect =
  /** Send over this connection from now on. */
  | { type: 'use'; link: number }
  /** Send a ping, whose pong is reported with the number `probe`. */
  | { type: 'probe'; link: number; probe: number }
  /** Send GOAWAY as the last frame; keep reading. */
  | { type: 'retire'; link: number; code: CloseCode }
  /** Send GOAWAY as the last frame, flush and end: the other side has sent its last frame. */
  | { type: 'answer'; link: number; code: CloseCode }
  /** Both GOAWAYs are through: end. */
  | { type: 'finish'; link: number; code: CloseCode }
  /** Deliver what was held of this connection; hold no more. */
  | { type: 'release'; link: number }
  /** The pair is over: drop what is held, and cut every connection that is not being ended. Final: nothing follows. */
  | { type: 'down' }

interface Link {
  readonly link: number
  readonly dialledHere: boolean
  /** Neither side has said GOAWAY. */
  open: boolean
  /** The other side's GOAWAY has not come: frames that must be delivered before those of the preferred one may. */
  awaited: boolean
}

export class PairState {
  readonly #smaller: boolean
  readonly #links = new Map<number, Link>()
  readonly #holding = new Set<number>()
  #current: Link | undefined
  /** Our own dial may turn out to have brought frames that come before those of the preferred connection. */
  #dialAwaited = false
  #probe: { number: number; link: Link; rival: Link } | undefined
  #probes = 0
  #down = false

  /** @param smaller whether our own id is the smaller one of the pair */
  constructor(smaller: boolean) {
    this.#smaller = smaller
  }

  /** The connection to send over. */
  get current(): number | undefined {
    return this.#current?.link
  }

  /** Connections that have not ended, retired ones included. */
  get size(): number {
    return this.#links.size
  }

  /** Whether frames of this connection have to wait; those of transport itself never do. */
  holds(link: number): boolean {
    return this.#holding.has(link)
  }

  handle(input: PairInput): PairEffect[] {
    const effects: PairEffect[] = []
    if (this.#down) return effects
    if (input.type === 'dial-started') this.#dialAwaited = true
    else if (input.type === 'dial-ended') this.#dialAwaited = false
    else if (input.type === 'established') this.#onEstablished(input.link, input.dialledHere, effects)
    else if (input.type === 'pong') this.#onPong(input.link, input.probe, effects)
    else if (input.type === 'goaway') this.#onGoAway(input.link, input.code, effects)
    else if (input.type === 'ended') this.#onEnded(input.link, effects)
    else if (input.type === 'hold-expired') this.#end(effects)
    else if (this.#dialAwaited) this.#end(effects)
    this.#hold(effects)
    return effects
  }

  #onEstablished(number: number, dialledHere: boolean, effects: PairEffect[]): void {
    const link: Link = { link: number, dialledHere, open: true, awaited: true }
    this.#links.set(number, link)
    if (dialledHere) this.#dialAwaited = false
    if (this.#current === undefined) this.#use(link, effects)
    this.#review(effects)
  }

  #onPong(number: number, probe: number, effects: PairEffect[]): void {
    if (this.#probe?.number !== probe || this.#probe.link.link !== number) return
    const { link, rival } = this.#probe
    this.#probe = undefined
    if (!rival.open) return
    rival.open = false
    effects.push({ type: 'retire', link: rival.link, code: 'DUPLICATE' })
    if (this.#current !== link) this.#use(link, effects)
  }

  #onGoAway(number: number, code: CloseCode, effects: PairEffect[]): void {
    const link = this.#links.get(number)
    if (link === undefined) return
    link.awaited = false
    effects.push({ type: link.open ? 'answer' : 'finish', link: number, code })
    link.open = false
    const next = this.#preferred()
    // DUPLICATE means that the preferred one goes on; with every other code the peer wants none any more.
    if (code !== 'DUPLICATE' || next === undefined || !this.#isPreferred(next)) this.#end(effects)
    else if (this.#current === link) this.#use(next, effects)
  }

  #onEnded(number: number, effects: PairEffect[]): void {
    const link = this.#links.get(number)
    if (link === undefined) return
    this.#links.delete(number)
    this.#holding.delete(number)
    if (link.awaited) this.#end(effects)
  }

  #end(effects: PairEffect[]): void {
    this.#down = true
    this.#current = undefined
    this.#probe = undefined
    this.#links.clear()
    this.#holding.clear()
    effects.push({ type: 'down' })
  }

  #use(link: Link, effects: PairEffect[]): void {
    this.#current = link
    effects.push({ type: 'use', link: link.link })
  }

  /** Starts to decide, if there is something to decide and it is ours to do. */
  #review(effects: PairEffect[]): void {
    if (!this.#smaller) return
    const best = this.#preferred()
    const rival = [...this.#links.values()].find((link) => link.open && link !== best)
    if (best === undefined || rival === undefined) return
    this.#probes += 1
    this.#probe = { number: this.#probes, link: best, rival }
    effects.push({ type: 'probe', link: best.link, probe: this.#probes })
  }

  #preferred(): Link | undefined {
    const open = [...this.#links.values()].filter((link) => link.open)
    return open.find((link) => this.#isPreferred(link)) ?? open[0]
  }

  /** Of two: dialled by the smaller id. */
  #isPreferred(link: Link): boolean {
    return link.dialledHere === this.#smaller
  }

  #hold(effects: PairEffect[]): void {
    if (this.#down || (this.#links.size < 2 && !this.#dialAwaited && this.#holding.size === 0)) return
    for (const link of this.#links.values()) {
      if (!this.#isPreferred(link)) continue
      // What comes over the less preferred one comes before this; so does what the larger id's own dial may bring.
      let hold = this.#dialAwaited && !this.#smaller
      for (const other of this.#links.values()) if (other !== link && other.awaited) hold = true
      if (hold) this.#holding.add(link.link)
      else if (this.#holding.delete(link.link)) effects.push({ type: 'release', link: link.link })
    }
  }
}
