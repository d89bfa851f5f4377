/**
 * The parking lot of bulk connections. A parked connection waits for a service frame; the header of that frame names
 * the service, whose handler owns the connection until it returns. Then the connection is parked for the next one.
 */
import type { PeerId } from '@pc/identity'
import { type CloseCode, type Connection, goAway, type Logger, silentLogger } from '@pc/transport'
import type { Message } from '@pc/wire'
import { type Authorize, Dispatcher, type HandlerContext, type HandlerOptions } from './dispatcher.js'
import { ErrorNumber } from './error-number.js'
import { DispatchError } from './errors.js'

/**
 * Owns `connection` until the returned promise settles: reads what follows `message` with `connection.onMessage`,
 * writes, closes it if need be. Frames that follow are held back until then. Everything that belongs to the service
 * must have been read when it returns: the next frame is taken for the next service frame. When `connection.closed`
 * resolves nothing more will come: a handler that waits for more must end then, or it keeps its place.
 */
export type ServiceHandler = (connection: Connection, message: Message, context: HandlerContext) => void | Promise<void>

export interface ConnectionDispatcherOptions {
  authorize: Authorize
  limits?: {
    /** Connections parked; one more closes the one that has been parked longest, with code BUSY. @default 256 */
    parked?: number
  }
  /** @default silentLogger */
  logger?: Logger
}

interface ServiceEvent {
  readonly peer: PeerId
  readonly header: string
  readonly connection: Connection
  readonly message: Message
}

// Half of the streams that an acceptor lets in: parked connections of others must not keep control connections out.
const DEFAULT_PARKED = 256
const ERROR_HEADER = 'pc/error'

export class ConnectionDispatcher {
  readonly #services: Dispatcher<ServiceEvent>
  readonly #limit: number
  readonly #logger: Logger
  /** In the order of parking. */
  readonly #parked = new Set<Connection>()
  readonly #serving = new Set<Connection>()
  /** Connections whose end is watched already: one callback each, however often they are parked. */
  readonly #watched = new WeakSet<Connection>()
  #closing = false

  constructor(options: ConnectionDispatcherOptions) {
    const limit = options.limits?.parked ?? DEFAULT_PARKED
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new DispatchError('INVALID_ARGUMENT', `expected limits.parked to be an integer of at least 1, got ${limit}`)
    }
    this.#limit = limit
    this.#logger = options.logger ?? silentLogger
    this.#services = new Dispatcher({ verb: 'service', authorize: options.authorize, logger: this.#logger })
  }

  /** Connections that wait for a service frame. */
  get parked(): number {
    return this.#parked.size
  }

  /**
   * Offers a service. The returned function takes it away again; uses under way go on.
   * @throws DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED
   */
  register(service: string, options: HandlerOptions, handle: ServiceHandler): () => void {
    return this.#services.register(service, options, ({ connection, message }, context) =>
      handle(connection, message, context),
    )
  }

  /**
   * Takes the connection over until it closes. One that is parked, or serves, or has closed stays as it is; after
   * `close` it is closed.
   */
  park(connection: Connection): void {
    if (!connection.open || this.#parked.has(connection) || this.#serving.has(connection)) return
    if (this.#closing) {
      void end(connection, 'SHUTTING_DOWN')
      return
    }
    this.#makeRoom()
    this.#parked.add(connection)
    this.#watch(connection)
    connection.onMessage((message) => {
      // Held back until a handler has taken the connection over: it may have to wait for its turn.
      connection.onMessage(undefined)
      this.#parked.delete(connection)
      void this.#serve(connection, message)
    })
  }

  /**
   * Closes what is parked and says why (GOAWAY), lets services under way finish, closes their connections, and resolves then. When `signal`
   * aborts, services are told by their own signal and their connections are destroyed. Idempotent.
   */
  async close(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#closing = true
    const { signal } = options
    const [parked, serving] = [[...this.#parked], [...this.#serving]]
    const onAbort = (): void => {
      for (const connection of [...parked, ...serving]) connection.destroy('SHUTTING_DOWN')
    }
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const drained = this.#services.close(signal === undefined ? {} : { signal })
      await Promise.all([drained, ...parked.map((connection) => end(connection, 'SHUTTING_DOWN'))])
      await Promise.all(serving.map((connection) => end(connection, 'SHUTTING_DOWN')))
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #makeRoom(): void {
    if (this.#parked.size < this.#limit) return
    const [longest] = this.#parked
    if (longest === undefined) return
    this.#parked.delete(longest)
    this.#logger.debug({ peer: longest.remoteId, limit: this.#limit }, 'parking lot is full: closing the longest')
    void end(longest, 'BUSY')
  }

  #watch(connection: Connection): void {
    if (this.#watched.has(connection)) return
    this.#watched.add(connection)
    void connection.closed.then(() => this.#parked.delete(connection))
  }

  async #serve(connection: Connection, message: Message): Promise<void> {
    this.#serving.add(connection)
    try {
      await this.#services.dispatch({ peer: connection.remoteId, header: message.header, connection, message })
    } catch (error) {
      await this.#answerError(connection, message, error)
    } finally {
      this.#serving.delete(connection)
    }
    this.park(connection)
  }

  async #answerError(connection: Connection, message: Message, error: unknown): Promise<void> {
    const fault = faultOf(error)
    this.#logger.debug({ peer: connection.remoteId, header: message.header, error }, 'a service frame failed')
    if (fault === undefined) {
      await end(connection, 'SHUTTING_DOWN')
      return
    }
    const frame = { header: ERROR_HEADER, id: message.id, body: { ...fault } }
    if (fault.code === ErrorNumber.HANDLER_FAILED) {
      // What follows may still belong to the service that failed: nobody can tell where the next one starts.
      connection.sendLast(frame)
      await connection.close('FAILED')
      return
    }
    try {
      await connection.send(frame)
    } catch (cause) {
      this.#logger.debug({ peer: connection.remoteId, error: cause }, 'the error of a service cannot be sent')
      connection.destroy('BUSY')
    }
  }
}

/** Ends the connection, and tells the other side why: it sees the same code as this one. */
function end(connection: Connection, code: CloseCode): Promise<void> {
  // Transport's frame, which every bulk connection obeys; nothing happens if the connection is closed already.
  connection.sendLast(goAway(code))
  return connection.close(code)
}

/** What the other side is told, as the body of a `pc/error` frame; nothing of the insides. `undefined`: this side is closing. */
function faultOf(error: unknown): { code: number; text: string; retryable: boolean } | undefined {
  const code = error instanceof DispatchError ? error.code : 'HANDLER_FAILED'
  if (code === 'CLOSED') return undefined
  if (code === 'NO_HANDLER') return { code: ErrorNumber.NO_HANDLER, text: 'unknown service', retryable: false }
  if (code === 'DENIED') return { code: ErrorNumber.DENIED, text: 'not allowed', retryable: false }
  if (code === 'BUSY') return { code: ErrorNumber.BUSY, text: 'busy: try again later', retryable: true }
  return { code: ErrorNumber.HANDLER_FAILED, text: 'the service failed', retryable: false }
}
