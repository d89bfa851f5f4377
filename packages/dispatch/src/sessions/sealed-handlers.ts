/** From opened messages to handlers, and from their results to answers. */
import { MAX_SEALED_PLAINTEXT, type PeerId } from '@pc/identity'
import type { Address, Logger } from '@pc/transport'
import { DATAGRAM_LIMITS, encodeValue, RootCode, type Value } from '@pc/wire'
import { decodeOrRefuse } from '../announcements.js'
import type { Dispatcher } from '../dispatcher.js'
import { DispatchError } from '../errors.js'
import type { DispatchTarget, Handler, HandlerOptions } from '../handler.js'
import { Priority } from '../priority.js'
import type { RequestsCounters } from '../requests-counters.js'
import { isShed } from '../shedding.js'
import type { LiveSession } from './live-session.js'
import { DEFAULT_PEER_QUOTA, PeerQuota, type PeerQuotaLimits } from './peer-quota.js'
import { errorNumberOf } from './remote-error.js'
import { ReplyCache } from './reply-cache.js'
import {
  DATAGRAM_BODY_OFFSET,
  errorBody,
  idKeyOf,
  isSealedRootCode,
  MessageKind,
  type PlainMessage,
  packWithId,
  REQUEST_BODY_OFFSET,
} from './sealed-message.js'
import type { Incoming, Outcome } from './sessions.js'

/** A message of a proved peer. */
export interface DatagramEvent {
  readonly peer: PeerId
  /** The root code as text: `0x80`. */
  readonly header: string
  readonly rootCode: number
  /** Of any shape: the handler checks it. Byte strings in it are views of a buffer that is the event's own. */
  readonly body: Value
  /** Whether an answer is awaited. */
  readonly asks: boolean
  /** Whether it may be a repetition that somebody else sent. */
  readonly early: boolean
  readonly address: Address
}

interface Registered {
  readonly header: string
  readonly priority: Priority
  readonly idempotent: boolean
}

export interface SealedHandlersOptions {
  readonly dispatcher: Dispatcher<DatagramEvent, Value | undefined>
  readonly counters: RequestsCounters
  readonly logger: Logger
  readonly limits: Partial<PeerQuotaLimits>
  readonly transmit: (live: LiveSession, message: PlainMessage) => boolean
}

/** What a root code is worth by default. */
const PRIORITY_OF: ReadonlyMap<number, Priority> = new Map([
  [RootCode.KADEMLIA, Priority.READ],
  [RootCode.GOSSIP, Priority.GOSSIP],
  [RootCode.SESSION, Priority.SESSION],
  [RootCode.MEMBERSHIP, Priority.MEMBERSHIP],
])
const MAX_REPLY_BODY: number = MAX_SEALED_PLAINTEXT - REQUEST_BODY_OFFSET

export class SealedHandlers {
  readonly #options: SealedHandlersOptions
  readonly #quota: PeerQuotaLimits
  readonly #registered = new Map<number, Registered>()
  readonly #replies = new ReplyCache()

  constructor(options: SealedHandlersOptions) {
    this.#options = options
    this.#quota = { ...DEFAULT_PEER_QUOTA, ...options.limits }
    new PeerQuota(this.#quota) // refuses wrong limits now, and not when the first datagram comes
  }

  /** @throws DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED */
  register(
    rootCode: number,
    options: HandlerOptions<DatagramEvent> & { idempotent?: boolean },
    handler: Handler<DatagramEvent, Value | undefined> | DispatchTarget<DatagramEvent, Value | undefined>,
  ): () => void {
    if (!isSealedRootCode(rootCode)) {
      throw new DispatchError('INVALID_ARGUMENT', `expected a root code of 0x80 to 0xff, got ${rootCode}`)
    }
    const header = headerOf(rootCode)
    const { idempotent = false, priority = PRIORITY_OF.get(rootCode) ?? Priority.READ, ...rest } = options
    const unregister = this.#options.dispatcher.register(header, { ...rest, priority }, handler)
    const registered: Registered = { header, priority, idempotent }
    this.#registered.set(rootCode, registered)
    return () => {
      unregister()
      if (this.#registered.get(rootCode) === registered) this.#registered.delete(rootCode)
    }
  }

  /** @param delayMs how far this process is behind */
  deliver(incoming: Incoming, now: number, delayMs: number): Outcome {
    const { live, rootCode, message, early } = incoming
    const asks = message[0] === MessageKind.REQUEST
    const registered = this.#registered.get(rootCode)
    if (registered === undefined) {
      if (!this.#withinQuota(incoming, Priority.READ, now)) return 'peerLimit'
      if (asks)
        this.#answer(live, rootCode, message, new DispatchError('NO_HANDLER', 'nobody handles that root code here'))
      return 'noHandler'
    }
    const { header, priority, idempotent } = registered
    if (isShed(priority, delayMs)) return 'shed'
    if (early && !idempotent) return 'early'
    const decoded = decodeOrRefuse(message.subarray(asks ? REQUEST_BODY_OFFSET : DATAGRAM_BODY_OFFSET))
    if (decoded === undefined) return 'decode'
    if (!this.#withinQuota(incoming, priority, now)) return 'peerLimit'
    const { pair } = live
    if (asks && !idempotent) {
      const known = this.#replies.begin(pair.id, idKeyOf(message), now)
      if (known !== undefined) {
        if (known.reply !== undefined) this.#transmit(live, rootCode, known.reply)
        return 'repeated'
      }
    }
    const event: DatagramEvent = {
      peer: pair.id,
      header,
      rootCode,
      body: decoded.body,
      asks,
      early,
      address: pair.address,
    }
    return this.#dispatch(event, live, message, asks && !idempotent)
  }

  /** What came in a first message may be an echo, and is charged to nobody: handshakes have a limit of their own. */
  #withinQuota({ live: { pair }, bytes, early }: Incoming, priority: Priority, now: number): boolean {
    if (early) return true
    pair.quota ??= new PeerQuota(this.#quota)
    return pair.quota.allow(now, bytes, priority)
  }

  #dispatch(event: DatagramEvent, live: LiveSession, message: Uint8Array, remember: boolean): Outcome {
    const { counters, dispatcher } = this.#options
    let outcome: Outcome = 'handled'
    let returned = false
    dispatcher.offer(event, (error, result) => {
      if (error !== undefined) {
        const failure = outcomeOf(error)
        if (returned) counters[failure] += 1
        else outcome = failure
      }
      if (event.asks) this.#answer(live, event.rootCode, message, error, result, remember)
    })
    returned = true
    return outcome
  }

  #answer(
    live: LiveSession,
    rootCode: number,
    request: Uint8Array,
    error: unknown,
    result?: Value,
    remember = false,
  ): void {
    const id = request.subarray(1, REQUEST_BODY_OFFSET)
    const [kind, body] = this.#packed(error, result)
    const reply = packWithId(kind, id, body)
    if (remember) this.#replies.end(live.pair.id, idKeyOf(request), reply)
    this.#transmit(presentOf(live), rootCode, reply)
  }

  #packed(error: unknown, result: Value | undefined): [kind: 2 | 3, body: Uint8Array] {
    if (error !== undefined) return [MessageKind.ERROR, encodeValue(errorBody(errorNumberOf(error), textOf(error)))]
    try {
      const body = encodeValue(result ?? null, DATAGRAM_LIMITS)
      if (body.length <= MAX_REPLY_BODY) return [MessageKind.REPLY, body]
      const text = `the reply has ${body.length} bytes, and a datagram room for ${MAX_REPLY_BODY}`
      return this.#packed(new DispatchError('TOO_LARGE', text), undefined)
    } catch (cause) {
      this.#options.logger.warn({ error: cause }, 'the reply of a handler has no form on the wire')
      return this.#packed(new DispatchError('HANDLER_FAILED', 'the reply has no form on the wire'), undefined)
    }
  }

  #transmit(live: LiveSession, rootCode: number, bytes: Uint8Array): void {
    if (this.#options.transmit(live, { rootCode, bytes })) this.#options.counters.replies += 1
  }
}

/** The session, or what has taken its place while the handler ran: there the question was asked again. */
function presentOf(live: LiveSession): LiveSession {
  const { current, previous, next } = live.pair
  return live === previous || live === next ? live : (current ?? live)
}

const HEADERS: readonly string[] = Array.from({ length: 256 }, (_, code) => `0x${code.toString(16).padStart(2, '0')}`)

function headerOf(rootCode: number): string {
  return HEADERS[rootCode] as string
}

function outcomeOf(error: unknown): Outcome {
  switch (error instanceof DispatchError ? error.code : 'HANDLER_FAILED') {
    case 'DENIED':
      return 'denied'
    case 'BUSY':
      return 'busy'
    case 'NO_HANDLER':
      return 'noHandler'
    default:
      return 'handlerFailed'
  }
}

/** Nothing of what a handler threw: that is for the log. */
function textOf(error: unknown): string {
  if (!(error instanceof DispatchError)) return 'the handler failed'
  return error.code === 'HANDLER_FAILED' ? 'the handler failed' : error.message
}
