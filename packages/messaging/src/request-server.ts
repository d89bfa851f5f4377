/** Requests of other peers: from the frame to the handler, and exactly one answer back. */
import { type Access, DispatchError, Dispatcher } from '@pc/dispatch'
import type { PeerId } from '@pc/identity'
import type { Value } from '@pc/wire'
import type { RequestContract } from './contracts.js'
import { asMessagingError, bodyOf, isExposed, shuttingDown, unfitResult } from './error-answer.js'
import { MessagingError } from './errors.js'
import { type ErrorBody, Frame, readRequest, writeError, writeReply } from './frames.js'
import { Idle } from './idle.js'
import { Lanes } from './lanes.js'
import { LeftBehind } from './left-behind.js'
import type { Links } from './links.js'
import type { ResolvedOptions } from './options.js'
import type { MessagingConnection } from './ports.js'
import { RequestTable } from './request-table.js'
import { validate } from './standard-schema.js'

export interface HandleOptions {
  /** Who may call it. */
  access: Access
  /** Calls at the same time; one peer has at most half of them. @default 16 */
  concurrency?: number
  /** Calls that wait, one peer's at most half of them; the next one is answered BUSY. @default 256 */
  queue?: number
}

export interface RequestContext {
  /** Who asks; proved. */
  readonly peer: PeerId
  /** Aborts when nobody waits for the result any more: cancelled, deadline, connection lost, shutdown. */
  readonly signal: AbortSignal
  /** Milliseconds the caller still waits, at the moment of the call. */
  readonly remainingMs: number
}

export type RequestHandler<I, O> = (input: I, context: RequestContext) => O | Promise<O>

/** What the dispatcher of requests hands over. */
export interface RequestEvent {
  readonly peer: PeerId
  /** The name of the request. */
  readonly header: string
  readonly payload: Value
  /** On our clock, ms. */
  readonly deadlineAt: number
}

type Parts = Pick<ResolvedOptions, 'authorize' | 'clock' | 'logger' | 'limits'> & { readonly links: Links }

/** One request in service. */
interface Service {
  readonly connection: MessagingConnection
  readonly id: number
  readonly name: string
  readonly controller: AbortController
  readonly timer: unknown
}

const DEFAULT_CONCURRENCY = 16 // as dispatch
const DEFAULT_QUEUE = 256 // as dispatch
/** Calls of a handler that ignored their signal, as a multiple of its concurrency, before further ones keep their places. */
const MAX_LEFT_BEHIND = 4

export class RequestServer {
  readonly dispatcher: Dispatcher<RequestEvent, Value>
  readonly #parts: Parts
  readonly #lanes = new Map<string, Lanes>()
  readonly #table: RequestTable<Service>
  readonly #underWay = new Idle()
  #closing = false
  #malformed = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.dispatcher = new Dispatcher({ verb: 'request', authorize: parts.authorize, logger: parts.logger })
    this.#table = new RequestTable(parts.limits.servedRequests)
  }

  get malformed(): number {
    return this.#malformed
  }

  /** As `Messaging.handle`. */
  handle<I, O>(contract: RequestContract<I, O>, options: HandleOptions, handler: RequestHandler<I, O>): () => void {
    const { name } = contract
    const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY
    const queue = options.queue ?? DEFAULT_QUEUE
    const lanes = new Lanes({ width: half(concurrency), perLane: half(queue), total: queue })
    const leftBehind = new LeftBehind(concurrency * MAX_LEFT_BEHIND)
    const unregister = this.dispatcher.register(
      name,
      { access: options.access, concurrency, queue },
      (event, { signal }) => {
        const work = this.#call(contract, handler, event, signal)
        const peer = event.peer.toString()
        return untilAborted(work, signal, () => {
          if (leftBehind.add(peer, work)) return true
          lanes.hold(peer, work)
          return false
        })
      },
    )
    this.#lanes.set(name, lanes)
    return () => {
      unregister()
      if (this.#lanes.get(name) === lanes) this.#lanes.delete(name)
    }
  }

  onRequest(connection: MessagingConnection, id: number, body: Value): void {
    const request = readRequest(body)
    if (request === undefined) {
      this.#malformed++
      const text = 'the request cannot be read: expected a map of name, ttl and body'
      this.#refuse(connection, id, new MessagingError('BAD_INPUT', text))
      return
    }
    if (this.#closing) {
      this.#refuse(connection, id, shuttingDown())
      return
    }
    const { name, payload } = request
    const ttlMs = Math.min(request.ttlMs, this.#parts.limits.maxServiceMs)
    const service = this.#begin(connection, id, name, ttlMs)
    if (service === undefined) return
    const event = { peer: connection.peer, header: name, payload, deadlineAt: this.#parts.clock.now() + ttlMs }
    this.#underWay.enter()
    const task = async (): Promise<void> => {
      try {
        const result = await this.dispatcher.dispatch(event, { signal: service.controller.signal })
        this.#finish(service, Frame.REPLY, () => writeReply(result))
      } catch (error) {
        this.#finish(service, Frame.ERROR, () => writeError(this.#errorBody(error, service)))
      } finally {
        this.#underWay.leave()
      }
    }
    this.#enter(service, task)
  }

  onCancel(connection: MessagingConnection, id: number): void {
    const service = this.#table.take(this.#parts.links.numberOf(connection), id)
    if (service === undefined) return // answered in the meantime: both were under way at once
    this.#end(service, new MessagingError('CANCELLED', 'the caller gave up'))
  }

  connectionLost(connection: MessagingConnection, number: number): void {
    const reason = new MessagingError('CONNECTION_LOST', `the connection with ${connection.peer.short} ended`)
    for (const service of this.#table.takeAll(number)) this.#stop(service, reason)
  }

  /** From now on every new request is answered SHUTTING_DOWN. */
  stopAccepting(): void {
    this.#closing = true
  }

  /** Resolves when every request that was accepted has been answered. */
  drained(): Promise<void> {
    return this.#underWay.wait()
  }

  /** Answers what is still in service with SHUTTING_DOWN and aborts its handlers. */
  abandon(): void {
    for (const service of this.#table.takeAll()) this.#end(service, shuttingDown())
  }

  async #call<I, O>(
    contract: RequestContract<I, O>,
    handler: RequestHandler<I, O>,
    event: RequestEvent,
    signal: AbortSignal,
  ): Promise<Value> {
    const input = await validate(contract.input, event.payload, 'BAD_INPUT')
    const remainingMs = Math.max(0, event.deadlineAt - this.#parts.clock.now())
    const output = await handler(input, { peer: event.peer, signal, remainingMs })
    const checked = await validate(contract.output, output, 'BAD_OUTPUT')
    return (checked ?? null) as Value // what is no Value after all is found when it is encoded
  }

  /** `undefined`: refused, and said so. */
  #begin(connection: MessagingConnection, id: number, name: string, ttlMs: number): Service | undefined {
    const { clock, links } = this.#parts
    const onTime = (): void => this.#onDeadline(service)
    const timer = clock.setTimeout(onTime, ttlMs)
    const service: Service = { connection, id, name, controller: new AbortController(), timer }
    const added = this.#table.add(links.numberOf(connection), id, service)
    if (added === 'added') return service
    clock.clearTimeout(timer)
    const error =
      added === 'full'
        ? new MessagingError('BUSY', 'too many requests of this connection are being served: wait for some replies')
        : new MessagingError('BAD_INPUT', `a request with the id ${id} is being served already`)
    this.#refuse(connection, id, error)
    return undefined
  }

  /** Into the lane of this peer and handler: one peer's calls cannot take all places. */
  #enter(service: Service, task: () => Promise<void>): void {
    const lanes = this.#lanes.get(service.name)
    if (lanes === undefined) {
      void task() // no handler: the dispatcher says so
      return
    }
    const place = lanes.enter(service.connection.peer.toString(), task)
    if (place === undefined) {
      this.#underWay.leave()
      const text = `too many calls of "${service.name}" by this peer wait already: try again later`
      this.#finish(service, Frame.ERROR, () => writeError(bodyOf(new MessagingError('BUSY', text))))
      return
    }
    service.controller.signal.addEventListener(
      'abort',
      () => {
        if (place.leave()) this.#underWay.leave()
      },
      { once: true },
    )
  }

  #onDeadline(service: Service): void {
    const { links } = this.#parts
    if (this.#table.take(links.numberOf(service.connection), service.id) === undefined) return
    this.#end(service, new MessagingError('DEADLINE', `"${service.name}" was not done when its time was up`))
  }

  /** Answers with an error and stops the work; the service is out of the table. */
  #end(service: Service, error: MessagingError): void {
    this.#refuse(service.connection, service.id, error)
    this.#stop(service, error)
  }

  #stop(service: Service, reason: Error): void {
    this.#parts.clock.clearTimeout(service.timer)
    service.controller.abort(reason)
  }

  #finish(service: Service, header: string, body: () => Value): void {
    const { connection, id } = service
    // Answered already: cancelled, too late, or the connection is gone.
    if (this.#table.take(this.#parts.links.numberOf(connection), id) === undefined) return
    this.#parts.clock.clearTimeout(service.timer)
    this.#answer(service, header, body()).catch((error: unknown) => this.#unsent(connection, error))
  }

  async #answer(service: Service, header: string, body: Value): Promise<void> {
    const { connection, id, name } = service
    try {
      await connection.send(header, id, body, 'request')
    } catch (error) {
      const unfit = unfitResult(error, name)
      if (header !== Frame.REPLY || unfit === undefined) throw error
      this.#parts.logger.warn({ error, request: name }, 'the result of a handler cannot be sent')
      await connection.send(Frame.ERROR, id, writeError(bodyOf(unfit)), 'request')
    }
  }

  #refuse(connection: MessagingConnection, id: number, error: MessagingError): void {
    connection.send(Frame.ERROR, id, writeError(bodyOf(error)), 'request').catch((sendError: unknown) => {
      this.#unsent(connection, sendError)
    })
  }

  #unsent(connection: MessagingConnection, error: unknown): void {
    this.#parts.logger.debug({ error, peer: connection.peer }, 'an answer could not be sent')
  }

  /** What of an error may travel. */
  #errorBody(error: unknown, service: Service): ErrorBody {
    if (!(error instanceof DispatchError)) return bodyOf(asMessagingError(error))
    switch (error.code) {
      case 'NO_HANDLER':
      case 'DENIED':
      case 'BUSY':
        return { name: error.code, text: error.message, retryable: error.retryable }
      case 'CLOSED':
        return bodyOf(shuttingDown())
      default:
        break
    }
    const { cause } = error
    if (cause instanceof MessagingError || isExposed(cause)) return bodyOf(asMessagingError(cause))
    this.#parts.logger.warn({ error: cause, request: service.name, peer: service.connection.peer }, 'a handler failed')
    return { name: 'HANDLER_FAILED', text: `the handler of "${service.name}" failed`, retryable: false }
  }
}

function half(count: number): number {
  return Math.ceil(count / 2)
}

/** Settles with `work`, or rejects when the signal aborts, if `leave` then says that `work` may be left behind. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal, leave: () => boolean): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      if (leave()) reject(signal.reason)
    }
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    const done = (): void => signal.removeEventListener('abort', onAbort)
    work.finally(done).then(resolve, reject)
  })
}
