/**
 * Which of several control connections a pair keeps: pure.
 *
 * Both peers may dial each other at the same moment; the pair then has two connections, and must end with one, with no frame
 * lost and none out of order. Every rule that both sides evaluate for themselves fails when they see different things: one
 * dial timed out on one side only, or is already broken there. So **one side decides, and only after it has seen that the
 * connection it wants to keep is alive at the other side**:
 *
 * 1. Preferred is the connection dialled by the peer with the smaller id; of several with the same dialler the newest,
 *    because a dialler never has two: it gave up the older one.
 * 2. Between connections of different diallers the smaller id decides; of the same dialler the acceptor (only it can see both).
 * 3. The decider sends a ping over the preferred connection after the HELLO of the other has arrived. The pong proves that
 *    the other side holds the preferred one now. (If none comes the preferred connection is dead, ends, and the other stays.)
 * 4. Then the decider *retires* the other: GOAWAY DUPLICATE is its last frame there, from now on it sends over the preferred
 *    one, and it keeps reading the retired one.
 * 5. The other side answers that GOAWAY with its own, its last frame there, ends the stream, and goes on over the preferred one.
 *    The decider, having read that, ends its side. Until then every side uses the connection that stood first.
 *
 * No frame is lost: each direction of the retired connection ends with a GOAWAY, and the GOAWAY is waited for. Order is kept:
 * each side moves from the retired connection to the preferred one only, once, after its GOAWAY; so the receiver *holds* frames
 * of the preferred one until the less preferred one is through (at most as long as the driver allows: `hold-expired`). That
 * begins with the HELLO that a dialler sends: the other side may use the new connection before its own HELLO is read here.
 *
 * With one dial, nothing of this happens. If one of two dials fails, or arrives after the first is gone, the pair has one
 * connection at each moment that matters, and keeps it.
 */
import type { CloseCode } from './close-code.js'

export type PairInput =
  /** We have dialled, and said HELLO; `established` or `dial-ended` follows. At most one at a time. */
  | { type: 'dial-started' }
  /** Our dial is over. Harmless after `established`. */
  | { type: 'dial-ended' }
  /** HELLO came in on a new connection. `link` names it from here on; numbers are not used again. */
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
  /** No connection is left to send over. Final. */
  | { type: 'down' }

interface Link {
  readonly link: number
  readonly dialledHere: boolean
  /** Neither side has said GOAWAY. */
  open: boolean
  /** A frame that must be delivered before those of preferred connections may still come. */
  awaited: boolean
}

export class PairState {
  readonly #smaller: boolean
  readonly #links = new Map<number, Link>()
  readonly #holding = new Set<number>()
  #current: Link | undefined
  /** Our own dial may turn out to have brought frames that come before those of preferred connections. */
  #dialAwaited = false
  #probe: { number: number; link: Link; rivals: Link[] } | undefined
  #probes = 0

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
    if (input.type === 'dial-started') this.#dialAwaited = true
    else if (input.type === 'dial-ended') this.#dialAwaited = false
    else if (input.type === 'established') this.#onEstablished(input.link, input.dialledHere, effects)
    else if (input.type === 'pong') this.#onPong(input.link, input.probe, effects)
    else if (input.type === 'goaway') this.#onGoAway(input.link, input.code, effects)
    else if (input.type === 'ended') this.#onEnded(input.link, effects)
    else this.#expectNothing()
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

  #expectNothing(): void {
    this.#dialAwaited = false
    for (const link of this.#links.values()) link.awaited = false
  }

  #onPong(number: number, probe: number, effects: PairEffect[]): void {
    if (this.#probe?.number !== probe || this.#probe.link.link !== number) return
    const { link, rivals } = this.#probe
    this.#probe = undefined
    for (const rival of rivals) {
      if (!rival.open) continue
      rival.open = false
      effects.push({ type: 'retire', link: rival.link, code: 'DUPLICATE' })
    }
    if (this.#current !== link) this.#use(link, effects)
    this.#review(effects)
  }

  #onGoAway(number: number, code: CloseCode, effects: PairEffect[]): void {
    const link = this.#links.get(number)
    if (link === undefined) return
    link.awaited = false
    if (link.open) {
      link.open = false
      effects.push({ type: 'answer', link: number, code })
      this.#leave(link, effects)
    } else {
      effects.push({ type: 'finish', link: number, code })
    }
  }

  #onEnded(number: number, effects: PairEffect[]): void {
    const link = this.#links.get(number)
    if (link === undefined) return
    this.#links.delete(number)
    if (this.#holding.delete(number)) effects.push({ type: 'release', link: number })
    link.open = false
    this.#leave(link, effects)
  }

  /** `link` cannot be used any more. */
  #leave(link: Link, effects: PairEffect[]): void {
    if (this.#probe?.link === link) this.#probe = undefined
    if (this.#current === link) {
      this.#current = undefined
      const next = this.#preferred()
      if (next === undefined) effects.push({ type: 'down' })
      else this.#use(next, effects)
    }
    this.#review(effects)
  }

  #use(link: Link, effects: PairEffect[]): void {
    this.#current = link
    effects.push({ type: 'use', link: link.link })
  }

  /** Starts to decide, if there is something to decide and it is ours to do. */
  #review(effects: PairEffect[]): void {
    const best = this.#preferred()
    if (best === undefined) return
    const rivals = [...this.#links.values()].filter(
      (rival) => rival.open && rival !== best && this.#decides(best, rival),
    )
    if (rivals.length === 0) return
    if (this.#probe?.link === best && rivals.every((rival) => this.#probe?.rivals.includes(rival))) return
    this.#probes += 1
    this.#probe = { number: this.#probes, link: best, rivals }
    effects.push({ type: 'probe', link: best.link, probe: this.#probes })
  }

  #decides(best: Link, rival: Link): boolean {
    return best.dialledHere === rival.dialledHere ? !best.dialledHere : this.#smaller
  }

  #preferred(): Link | undefined {
    let best: Link | undefined
    for (const link of this.#links.values()) {
      if (link.open && (best === undefined || this.#prefers(link, best))) best = link
    }
    return best
  }

  #prefers(a: Link, b: Link): boolean {
    return a.dialledHere === b.dialledHere ? a.link > b.link : a.dialledHere === this.#smaller
  }

  #hold(effects: PairEffect[]): void {
    if (this.#links.size < 2 && !this.#dialAwaited && this.#holding.size === 0) return
    for (const link of this.#links.values()) {
      // What our own dial brings is preferred to this one, unless the other side dialled this one and has the smaller id.
      let hold = this.#dialAwaited && !link.dialledHere && !this.#smaller
      for (const other of this.#links.values()) {
        if (other !== link && other.awaited && this.#prefers(link, other)) hold = true
      }
      if (hold) this.#holding.add(link.link)
      else if (this.#holding.delete(link.link)) effects.push({ type: 'release', link: link.link })
    }
  }
}
