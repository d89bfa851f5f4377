/**
 * What this side asked and is waiting for, or has to say and cannot yet: sent again by measured round trips until it is answered,
 * matched by id, address and session. Time and what came in go in, what to seal comes out by the ports. Pure.
 */
import type { Value } from '@pc/wire'
import { Deadlines, type Waiting } from '../deadlines.js'
import { DispatchError } from '../errors.js'
import { checkLimit } from '../lane.js'
import { refusal } from '../refusal.js'
import type { Handshake, LiveSession, Pair } from './live-session.js'
import { requestRepetitionAfter } from './round-trip.js'
import { idKeyOf, idTailOf, type PlainMessage } from './sealed-message.js'

export interface OwnRequestsPorts {
  /** Seals and sends; false: the machine takes no more at the moment. */
  transmit(live: LiveSession, message: PlainMessage): boolean
  /** The session to seal with. */
  usable(pair: Pair): LiveSession | undefined
  /** Begins a handshake, which may carry the message. False: there are too many. */
  begin(pair: Pair, early: PlainMessage | undefined): boolean
  /** The session may be dead: begins a handshake beside it. */
  doubt(pair: Pair, early: PlainMessage | undefined): void
  /** Nothing of the pair waits any more. */
  idle(pair: Pair): void
  /** A request is sent once more. */
  repeated(): void
}

export interface OwnRequestsLimits {
  /** Requests and datagrams that wait, of all peers; beyond it TOO_MANY_PENDING. @default 1024 */
  readonly pending: number
  /** Those of one peer at one address that are under way; the next ones wait for a place. @default 16 */
  readonly pendingPerPeer: number
  /** Sendings without a sign of life after which the session is doubted. @default 2 */
  readonly doubtAfter: number
}

const DEFAULT_LIMITS: OwnRequestsLimits = { pending: 1_024, pendingPerPeer: 16, doubtAfter: 2 }

/** One call, from `add` until it is settled. */
export interface Call extends Waiting {
  readonly pair: Pair
  readonly message: PlainMessage
  /** Whether an answer is awaited. */
  readonly asks: boolean
  /** Whether it may be run twice, and so ride in a first message. */
  readonly idempotent: boolean
  /** That of its id; for what asks nothing a number of its own, below 0. */
  readonly key: number
  readonly deadlineAt: number
  /** For the first time. */
  sentAt: number
  lastSentAt: number
  sendings: number
  timeoutMs: number
  /** By which it was sent last, and before. */
  live: LiveSession | undefined
  former: LiveSession | undefined
  /** Only the first call of either counts. */
  readonly settle: (error: unknown, reply?: Value) => void
}

interface Queue {
  readonly open: Map<number, Call>
  readonly waiting: Set<Call>
}

/** When the machine takes no more. */
const BACK_OFF_MS = 10
/** A peer that is only told things and says nothing for so long is asked, by a handshake, whether it still has the session. */
const SILENT_MS = 10_000

export class OwnRequests {
  readonly #ports: OwnRequestsPorts
  readonly #limits: OwnRequestsLimits
  readonly #queues = new Map<Pair, Queue>()
  readonly #deadlines = new Deadlines<Call>()
  #count = 0

  constructor(ports: OwnRequestsPorts, limits: Partial<OwnRequestsLimits> = {}) {
    this.#ports = ports
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    checkLimit('pending', this.#limits.pending, 1)
    checkLimit('pendingPerPeer', this.#limits.pendingPerPeer, 1)
  }

  get size(): number {
    return this.#count
  }

  get wakeAt(): number {
    return this.#deadlines.nextAt
  }

  /** Why a call cannot be added now; undefined if it can. */
  refusal(): DispatchError | undefined {
    if (this.#count < this.#limits.pending) return undefined
    const message = `${this.#limits.pending} requests are awaited already: wait for some before asking more`
    return new DispatchError('TOO_MANY_PENDING', message)
  }

  add(call: Call, now: number): void {
    this.#count += 1
    call.pair.users += 1
    const queue = this.#queues.get(call.pair) ?? newQueue()
    this.#queues.set(call.pair, queue)
    if (queue.open.size >= this.#limits.pendingPerPeer) {
      queue.waiting.add(call)
      this.#deadlines.set(call, call.deadlineAt)
    } else {
      queue.open.set(call.key, call)
      this.#start(call, now)
    }
  }

  /** Ends a call: settled by its reply, its signal, its deadline or `close`. */
  remove(call: Call, now: number): void {
    const queue = this.#queues.get(call.pair)
    if (queue === undefined || !(queue.open.delete(call.key) || queue.waiting.delete(call))) return
    this.#deadlines.clear(call)
    this.#count -= 1
    call.pair.users -= 1
    const [next] = queue.waiting
    if (next !== undefined && queue.open.size < this.#limits.pendingPerPeer) {
      queue.waiting.delete(next)
      queue.open.set(next.key, next)
      this.#start(next, now)
    }
    if (queue.open.size > 0) return
    this.#queues.delete(call.pair)
    this.#ports.idle(call.pair)
  }

  /** The call that a reply answers, which came by that session. */
  answered(live: LiveSession, message: Uint8Array, now: number): Call | undefined {
    const { roundTrip } = live.pair
    const key = idKeyOf(message)
    const call = this.#queues.get(live.pair)?.open.get(key)
    if (call === undefined) roundTrip.answeredAgain(key, now)
    if (call === undefined || !call.asks || idTailOf(call.message.bytes) !== idTailOf(message)) return undefined
    if (live !== call.live && live !== call.former) return undefined
    // Karn: an answer to something sent twice does not tell to which.
    if (call.sendings === 1 && live === call.live) roundTrip.measured(now - call.sentAt)
    if (call.sendings > 1) roundTrip.answered(key)
    return call
  }

  /** There is a new session: what was not answered goes out by it. Returns how many did. */
  established(pair: Pair, began: Handshake | undefined, now: number): number {
    const { current } = pair
    const queue = this.#queues.get(pair)
    if (current === undefined || queue === undefined) return 0
    let sent = 0
    for (const call of [...queue.open.values()]) {
      if (began?.early === call.message) this.#carried(call, current, began, now)
      else if (call.live !== current && this.#transmit(call, current, now)) sent += 1
    }
    return sent
  }

  /** No handshake came to an end. Calls that a session still carries go on. */
  failed(pair: Pair, now: number): void {
    if (this.#ports.usable(pair) !== undefined) return
    const message = `no answer from ${pair.id.short} at ${pair.address.host} port ${pair.address.port}: check that it runs there, and belongs to the same network`
    for (const call of this.#callsOf(pair)) {
      this.remove(call, now)
      call.settle(new DispatchError('PEER_UNREACHABLE', message))
    }
  }

  timer(now: number): void {
    for (let call = this.#deadlines.take(now); call !== undefined; call = this.#deadlines.take(now)) {
      if (now < call.deadlineAt) {
        this.#repeat(call, now)
        continue
      }
      this.remove(call, now)
      call.settle(timeoutError(call))
    }
  }

  /** The oldest call of the pair that a first message may carry. */
  earlyOf(pair: Pair): PlainMessage | undefined {
    for (const call of this.#queues.get(pair)?.open.values() ?? []) if (call.idempotent) return call.message
    return undefined
  }

  /** Ends everything. */
  close(error: unknown, now: number): void {
    for (const pair of [...this.#queues.keys()]) {
      for (const call of this.#callsOf(pair)) {
        this.remove(call, now)
        call.settle(error)
      }
    }
  }

  #callsOf(pair: Pair): Call[] {
    const queue = this.#queues.get(pair)
    // Those that wait first, so that none of them starts when an open one goes.
    return queue === undefined ? [] : [...queue.waiting, ...queue.open.values()]
  }

  #start(call: Call, now: number): void {
    const live = this.#ports.usable(call.pair)
    if (live !== undefined) {
      this.#transmit(call, live, now)
      return
    }
    this.#deadlines.set(call, call.deadlineAt)
    if (this.#ports.begin(call.pair, call.idempotent ? call.message : undefined)) return
    this.remove(call, now)
    call.settle(new DispatchError('BUSY', 'too many handshakes are under way: try again a little later'))
  }

  #transmit(call: Call, live: LiveSession, now: number): boolean {
    if (!this.#ports.transmit(live, call.message)) {
      this.#deadlines.set(call, Math.min(call.deadlineAt, now + BACK_OFF_MS))
      return false
    }
    if (!call.asks) {
      if (now - call.pair.heardAt >= SILENT_MS) this.#ports.doubt(call.pair, undefined)
      this.remove(call, now)
      call.settle(undefined)
      return true
    }
    if (call.live !== live) {
      call.former = call.live
      call.live = live
    }
    if (call.sendings === 0) {
      call.sentAt = now
      call.timeoutMs = call.pair.roundTrip.timeoutMs
    } else this.#ports.repeated()
    call.lastSentAt = now
    call.sendings += 1
    this.#schedule(call, now)
    return true
  }

  /** It went with the first message of the handshake: the answer is on its way already. */
  #carried(call: Call, live: LiveSession, began: Handshake, now: number): void {
    call.former = call.live
    call.live = live
    call.sentAt = began.startedAt
    call.lastSentAt = began.startedAt
    call.sendings = Math.max(2, call.sendings + 1)
    call.timeoutMs = call.pair.roundTrip.timeoutMs
    this.#deadlines.set(call, Math.min(call.deadlineAt, now + call.timeoutMs))
  }

  #repeat(call: Call, now: number): void {
    const { pair } = call
    const live = this.#ports.usable(pair)
    if (live === undefined) {
      // The session has ended meanwhile.
      this.#deadlines.set(call, call.deadlineAt)
      this.#ports.begin(pair, call.idempotent ? call.message : undefined)
      return
    }
    if (call.sendings >= this.#limits.doubtAfter && pair.heardAt < call.lastSentAt)
      this.#ports.doubt(pair, this.earlyOf(pair))
    this.#transmit(call, live, now)
  }

  #schedule(call: Call, now: number): void {
    const at = call.sentAt + requestRepetitionAfter(call.sendings, call.timeoutMs)
    this.#deadlines.set(call, Math.min(call.deadlineAt, Math.max(at, now + 1)))
  }
}

function newQueue(): Queue {
  return { open: new Map(), waiting: new Set() }
}

function timeoutError({ pair, sendings, asks }: Call): DispatchError {
  const where = `${pair.id.short} at ${pair.address.host} port ${pair.address.port}`
  const what = asks
    ? `no reply from ${where} in time (sent ${sendings} times)`
    : `nothing could be sent to ${where} in time`
  return refusal('REPLY_TIMEOUT', what)
}
