/** Imports as little as it can: a program that asks one thing starts as fast as this file and @pc/wire load. */
import { connect, type Socket } from 'node:net'
import type { Clock } from '@pc/transport'
import { FrameDecoder, type Value, WireError } from '@pc/wire'
import { ClientStream } from './client-stream.js'
import { ControlError } from './errors.js'
import { controlPath } from './folders.js'
import {
  CONTROL_PROTOCOL,
  type DaemonMessage,
  MAX_CONTROL_MESSAGE,
  readDaemonMessage,
  SESSION_ID,
  writeFrame,
} from './protocol.js'

/** The part of a clock that a client needs. */
export type Timers = Pick<Clock, 'setTimeout' | 'clearTimeout'>

export interface ControlClientOptions {
  /** State folder of the daemon, see `defaultFolders`. */
  folder: string
  /** What the daemon's log calls this program, e.g. `pc/0.0.0`. @default 'client' */
  client?: string
  /** Milliseconds until the daemon has said hello. @default 5000 */
  timeoutMs?: number
  /** Ends the attempt to connect with its reason; means nothing afterwards. */
  signal?: AbortSignal
  /** @default the timers of this machine */
  clock?: Timers
}

export interface CallOptions {
  /** Cancels the command; the call or stream rejects with its reason at once. */
  signal?: AbortSignal
  /** Milliseconds until the command is cancelled with TIMEOUT; of a stream, all of it. @default none */
  timeoutMs?: number
}

/** Who waits for the answers to one request. */
interface Exchange {
  readonly once: boolean
  onMessage(message: Answer, bytes: number): void
  onError(error: unknown): void
}

type Answer = Exclude<DaemonMessage, { type: 'hello' } | { type: 'error' }>
type Hello = Extract<DaemonMessage, { type: 'hello' }>

const DEFAULT_CONNECT_MS = 5_000

/** Items kept for the reader of a stream before the socket is left unread, so that the daemon feels it. */
const BACKLOG_MARK = 256

/** For a daemon that takes nothing any more: what we said last is not worth waiting longer. */
const CLOSE_MS = 1_000

const machineTimers: Timers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
}

/** A program's connection to the daemon of its user. Any number of calls and streams at the same time. */
export class ControlClient {
  readonly #socket: Socket
  readonly #timers: Timers
  readonly #decoder = new FrameDecoder({ maxLength: MAX_CONTROL_MESSAGE })
  readonly #exchanges = new Map<number, Exchange & { leave(cancel: boolean): void }>()
  readonly #streams = new Set<ClientStream>()
  readonly #closed: Promise<void>
  #nextId = SESSION_ID + 1
  #over: ControlError | undefined
  #daemonVersion = ''
  #onHello: ((hello: Hello) => void) | undefined
  #onRefused: ((error: ControlError) => void) | undefined

  /**
   * @throws ControlError NOT_RUNNING, VERSION_MISMATCH, TIMEOUT (the daemon hangs), BUSY (too many clients),
   * DENIED (the socket is somebody else's), PATH_TOO_LONG
   */
  static async connect(options: ControlClientOptions): Promise<ControlClient> {
    const path = controlPath(options.folder)
    options.signal?.throwIfAborted()
    const client = new ControlClient(connect({ path }), options.clock ?? machineTimers, path)
    try {
      await client.#greet(options)
      return client
    } catch (error) {
      client.#socket.destroy()
      throw error
    }
  }

  private constructor(socket: Socket, timers: Timers, path: string) {
    this.#socket = socket
    this.#timers = timers
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error) => this.#finish(fromSocketError(error, path)))
    socket.on('close', () => this.#finish(connectionClosed()))
  }

  /** What the daemon calls itself, e.g. `pcd/0.0.0`. */
  get daemonVersion(): string {
    return this.#daemonVersion
  }

  /**
   * One command, one answer.
   * @throws ControlError the command's own; TIMEOUT, CONNECTION_CLOSED; BAD_REQUEST when the command is a stream
   */
  call(command: string, args: Value = null, options: CallOptions = {}): Promise<Value> {
    return new Promise((resolve, reject) => {
      const leave = this.#begin(command, args, options, {
        once: true,
        onMessage: (message) => {
          if (message.type === 'ok') return resolve(message.result)
          leave(true)
          reject(new ControlError('BAD_REQUEST', `"${command}" answers with a stream: read it with stream()`))
        },
        onError: reject,
      })
    })
  }

  /**
   * A command that answers with a stream; sent at once, not at the first `next`. `break` cancels it. A reader that
   * falls behind makes the daemon wait, and in the end gets SLOW_CLIENT. `next` rejects with what `call` would.
   */
  stream(command: string, args: Value = null, options: CallOptions = {}): AsyncIterableIterator<Value> {
    let leave = (_cancel: boolean): void => {}
    const stream: ClientStream = new ClientStream({
      onChange: () => this.#balance(),
      onStop: () => leave(true),
    })
    try {
      leave = this.#begin(command, args, options, {
        once: false,
        onMessage: (message, bytes) => {
          if (message.type === 'event') return stream.push(message.item, bytes)
          if (message.type === 'end') return stream.finish({})
          stream.finish({ error: new ControlError('BAD_REQUEST', `"${command}" answers once: ask with call()`) })
        },
        onError: (error) => (error instanceof ControlError ? stream.finish({ error }) : stream.fail(error)),
      })
      this.#streams.add(stream)
    } catch (error) {
      stream.fail(error)
    }
    return stream
  }

  /** Everything in flight rejects with CONNECTION_CLOSED, and the daemon cancels it. Idempotent. */
  async close(): Promise<void> {
    this.#finish(connectionClosed())
    this.#socket.resume()
    this.#socket.destroySoon()
    const timer = this.#timers.setTimeout(() => this.#socket.destroy(), CLOSE_MS)
    await this.#closed
    this.#timers.clearTimeout(timer)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #greet({ client = 'client', timeoutMs = DEFAULT_CONNECT_MS, signal }: ControlClientOptions): Promise<void> {
    let timer: unknown
    let onAbort = (): void => {}
    try {
      const hello = await new Promise<Hello>((resolve, reject) => {
        const text = `the daemon did not say hello within ${timeoutMs} ms: it hangs, or the machine is overloaded`
        timer = this.#timers.setTimeout(() => reject(new ControlError('TIMEOUT', text)), timeoutMs)
        onAbort = () => reject(signal?.reason)
        signal?.addEventListener('abort', onAbort, { once: true })
        this.#onHello = resolve
        this.#onRefused = reject
        this.#socket.write(writeFrame('hello', SESSION_ID, { protocol: CONTROL_PROTOCOL, client }))
      })
      this.#daemonVersion = hello.daemon
      if (hello.protocol !== CONTROL_PROTOCOL) throw versionMismatch(hello)
    } finally {
      this.#timers.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      this.#onHello = undefined
      this.#onRefused = undefined
    }
  }

  /** Sends a request; returns how to let go of it. @throws the signal's reason, CONNECTION_CLOSED, BAD_ARGUMENTS */
  #begin(command: string, args: Value, options: CallOptions, exchange: Exchange): (cancel: boolean) => void {
    const { signal, timeoutMs } = options
    signal?.throwIfAborted()
    if (this.#over !== undefined) throw this.#over
    const id = this.#nextId++
    const frame = requestFrame(command, id, args)
    const leave = (cancel: boolean): void => {
      if (!this.#exchanges.delete(id)) return
      this.#timers.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (cancel && this.#over === undefined) this.#socket.write(writeFrame('cancel', id, null))
      this.#balance()
    }
    const stop = (error: unknown): void => {
      leave(true)
      exchange.onError(error)
    }
    const onAbort = (): void => stop(signal?.reason)
    const onTimeout = (): void => stop(new ControlError('TIMEOUT', `"${command}" took longer than ${timeoutMs} ms`))
    const timer = timeoutMs === undefined ? undefined : this.#timers.setTimeout(onTimeout, timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#exchanges.set(id, { ...exchange, leave })
    this.#socket.write(frame)
    this.#balance()
    return leave
  }

  #onData(chunk: Uint8Array): void {
    try {
      for (const payload of this.#decoder.push(chunk)) this.#onMessage(readDaemonMessage(payload), payload.length)
    } catch (error) {
      this.#finish(badAnswer(error))
      this.#socket.destroy()
    }
  }

  #onMessage(message: DaemonMessage, bytes: number): void {
    if (message.type === 'hello') {
      this.#onHello?.(message)
      return
    }
    if (message.id === SESSION_ID) {
      if (message.type === 'error') this.#finish(message.error)
      return
    }
    // Answers to what was cancelled may still be on their way: nobody waits for them.
    const exchange = this.#exchanges.get(message.id)
    if (exchange === undefined) return
    if (message.type !== 'event') exchange.leave(false)
    if (message.type === 'error') exchange.onError(message.error)
    else exchange.onMessage(message, bytes)
  }

  #finish(error: ControlError): void {
    if (this.#over !== undefined) return
    this.#over = error
    this.#onRefused?.(error)
    for (const exchange of [...this.#exchanges.values()]) {
      exchange.leave(false)
      exchange.onError(error)
    }
  }

  /** Leaves the socket unread while a reader is behind, unless somebody else waits for an answer behind its items. */
  #balance(): void {
    let behind = false
    let awaited = [...this.#exchanges.values()].some((exchange) => exchange.once)
    for (const stream of this.#streams) {
      if (stream.done) this.#streams.delete(stream)
      if (stream.backlog >= BACKLOG_MARK) behind = true
      if (stream.awaited) awaited = true
    }
    if (behind && !awaited) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }
}

function requestFrame(command: string, id: number, args: Value): Uint8Array {
  try {
    return writeFrame(command, id, args)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw new ControlError('BAD_ARGUMENTS', `"${command}" cannot be sent: ${error.message}`, { cause: error })
  }
}

function fromSocketError(cause: NodeJS.ErrnoException, path: string): ControlError {
  switch (cause.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
      return new ControlError('NOT_RUNNING', `no daemon answers at ${path}: start one`, { cause, details: { path } })
    case 'EACCES':
    case 'EPERM':
      return new ControlError('DENIED', `no permission to use ${path}: the daemon there is another user's`, { cause })
    case 'EAGAIN':
      return new ControlError('BUSY', `the daemon at ${path} does not take clients fast enough: try again`, { cause })
    default:
      return connectionClosed(cause)
  }
}

function connectionClosed(cause?: unknown): ControlError {
  const text = 'the connection to the daemon is closed'
  return new ControlError('CONNECTION_CLOSED', text, cause === undefined ? {} : { cause })
}

function versionMismatch(hello: Hello): ControlError {
  const text = `the daemon (${hello.daemon}) speaks control protocol ${hello.protocol}, this client ${CONTROL_PROTOCOL}: bring both to the same version`
  return new ControlError('VERSION_MISMATCH', text, { details: { protocol: hello.protocol, daemon: hello.daemon } })
}

function badAnswer(cause: unknown): ControlError {
  if (cause instanceof ControlError) return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ControlError('BAD_REQUEST', `the daemon's answer is not of this protocol: ${why}`, { cause })
}
