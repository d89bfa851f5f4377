/**
 * One client's side of the daemon: its own decoder, its own commands in flight, its own bounded outbox. Whatever a
 * client sends or leaves unread ends at most its own session.
 */
import type { Socket } from 'node:net'
import type { Clock, Logger } from '@pc/transport'
import { FrameDecoder } from '@pc/wire'
import type { AnyCommand } from './command.js'
import { ControlError } from './errors.js'
import type { ControlLimits } from './limits.js'
import { Outbox } from './outbox.js'
import {
  type ClientMessage,
  CONTROL_PROTOCOL,
  MAX_CONTROL_MESSAGE,
  readClientMessage,
  SESSION_ID,
  writeError,
  writeFrame,
} from './protocol.js'
import { RunningCommand } from './running-command.js'

export interface SessionOptions {
  readonly socket: Socket
  readonly commands: ReadonlyMap<string, AnyCommand>
  readonly daemon: string
  readonly clock: Clock
  readonly logger: Logger
  readonly limits: ControlLimits
  /** Commands that run for all sessions together. */
  readonly running: Set<RunningCommand>
  /** Called once, when the socket is closed. */
  readonly onOver: () => void
}

export class Session {
  readonly #options: SessionOptions
  readonly #decoder = new FrameDecoder({ maxLength: MAX_CONTROL_MESSAGE })
  readonly #outbox: Outbox
  /** Requests without an answer, by id. */
  readonly #inFlight = new Map<number, RunningCommand>()
  readonly #inbound: Uint8Array[] = []
  #pumping = false
  #state: 'greeting' | 'open' | 'draining' | 'over' = 'greeting'
  #timer: unknown
  #onIdle: (() => void) | undefined

  constructor(options: SessionOptions) {
    this.#options = options
    const { socket, clock, limits } = options
    this.#outbox = new Outbox({
      socket,
      clock,
      limit: limits.unsentBytes,
      slowMs: limits.slowClientMs,
      onSlow: () => this.#endSlow(),
    })
    this.#timer = clock.setTimeout(() => {
      this.#refuse(new ControlError('TIMEOUT', `expected hello within ${limits.helloMs} ms, got nothing`))
    }, limits.helloMs)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error) => options.logger.debug({ err: error }, 'control session broke'))
    socket.on('close', () => this.#onClose())
  }

  /** Ends the session after telling the client why. For one that never got in. */
  refuse(error: ControlError): void {
    this.#refuse(error)
  }

  /**
   * Takes no more requests, cancels streams, lets the other commands end, then closes. Resolves when nothing is in
   * flight and what was answered is on its way; `cancel()` hurries it.
   */
  async drain(): Promise<void> {
    if (this.#state === 'over') return
    this.#state = 'draining'
    for (const command of this.#inFlight.values()) if (command.streaming) command.cancel(stopping())
    if (this.#inFlight.size > 0) await new Promise<void>((resolve) => this.#whenIdle(resolve))
    this.#end()
  }

  /** Cancels everything in flight. */
  cancel(error: ControlError = stopping()): void {
    for (const command of this.#inFlight.values()) command.cancel(error)
  }

  /** Cuts the connection without a word. Idempotent. */
  destroy(): void {
    this.#options.socket.destroy()
  }

  #onData(chunk: Uint8Array): void {
    if (this.#state === 'over') return
    try {
      this.#inbound.push(...this.#decoder.push(chunk))
    } catch (error) {
      this.#refuse(badFrame(error))
      return
    }
    if (!this.#pumping) void this.#pump()
  }

  /** Handles frames in order, and stops reading while the client does not read its answers. */
  async #pump(): Promise<void> {
    this.#pumping = true
    for (let payload = this.#inbound.shift(); payload !== undefined; payload = this.#inbound.shift()) {
      if (this.#outbox.full) {
        this.#options.socket.pause()
        await this.#outbox.room()
        this.#options.socket.resume()
      }
      if (this.#state === 'over') break
      try {
        this.#handle(readClientMessage(payload))
      } catch (error) {
        this.#refuse(error)
      }
    }
    this.#pumping = false
  }

  #handle(message: ClientMessage): void {
    if (this.#state === 'greeting') {
      this.#greet(message)
      return
    }
    switch (message.type) {
      case 'hello':
        throw new ControlError('BAD_REQUEST', 'expected a request, got a second hello')
      case 'cancel':
        // An answer may have crossed the cancel on its way: an id that is not in flight means nothing.
        this.#inFlight.get(message.id)?.cancel(new ControlError('CANCELLED', 'cancelled by the client'))
        return
      case 'request':
        this.#request(message)
    }
  }

  #greet(message: ClientMessage): void {
    if (message.type !== 'hello') throw new ControlError('BAD_REQUEST', 'expected hello before anything else')
    const { clock, daemon, logger } = this.#options
    const hello = { protocol: CONTROL_PROTOCOL, daemon }
    this.#outbox.write(writeFrame('hello', SESSION_ID, hello))
    if (message.protocol !== CONTROL_PROTOCOL) {
      const text = `this daemon speaks control protocol ${CONTROL_PROTOCOL}, the client ${message.protocol}: bring both to the same version`
      throw new ControlError('VERSION_MISMATCH', text, { details: hello })
    }
    clock.clearTimeout(this.#timer)
    this.#state = 'open'
    logger.debug({ client: message.client }, 'control session opened')
  }

  #request({ id, command: name, args }: Extract<ClientMessage, { type: 'request' }>): void {
    const { commands, running, logger } = this.#options
    if (this.#inFlight.has(id)) {
      throw new ControlError('BAD_REQUEST', `expected a fresh request id, got ${id}, which is still in flight`)
    }
    const command = commands.get(name)
    const obstacle = command === undefined ? unknownCommand(name, commands) : this.#obstacle()
    if (command === undefined || obstacle !== undefined) {
      this.#outbox.write(writeError(id, obstacle))
      return
    }
    const work = new RunningCommand({ id, command, args, outbox: this.#outbox, logger })
    this.#inFlight.set(id, work)
    running.add(work)
    void work.answered.then(() => {
      this.#inFlight.delete(id)
      if (this.#inFlight.size === 0) this.#onIdle?.()
    })
    void work.settled.then(() => running.delete(work))
  }

  /** Why no command can start now. */
  #obstacle(): ControlError | undefined {
    const { limits, running } = this.#options
    if (this.#state === 'draining') return stopping()
    if (this.#inFlight.size >= limits.commandsPerSession) {
      const text = `this session has ${limits.commandsPerSession} commands in flight, which is the limit: wait for answers`
      return new ControlError('BUSY', text)
    }
    if (running.size < limits.commands) return undefined
    return new ControlError('BUSY', `the daemon runs ${limits.commands} commands, which is the limit: try later`)
  }

  /** Tells the client why (as an error of the session), and closes. */
  #refuse(error: unknown): void {
    if (this.#state === 'over') return
    if (!(error instanceof ControlError)) this.#options.logger.error({ err: error }, 'control session failed')
    else this.#options.logger.debug({ code: error.code, reason: error.message }, 'control session refused')
    this.#outbox.write(writeError(SESSION_ID, error))
    this.#end()
  }

  #endSlow(): void {
    const { limits, logger } = this.#options
    const text = `the client left ${this.#outbox.unsent} bytes unread for ${limits.slowClientMs} ms: read faster, or ask again from where it stopped`
    logger.info({ unsent: this.#outbox.unsent, inFlight: this.#inFlight.size }, 'control session too slow')
    for (const id of this.#inFlight.keys()) {
      this.#outbox.write(writeError(id, new ControlError('SLOW_CLIENT', text)))
    }
    this.#refuse(new ControlError('SLOW_CLIENT', text))
  }

  /** Lets what is written go out, then cuts. What is still running is cancelled and answers into the void. */
  #end(): void {
    if (this.#state === 'over') return
    const { socket, clock, limits } = this.#options
    this.#leave()
    socket.end()
    // Reads on, so that a client in the middle of a large request gets to see the answer instead of a reset.
    socket.resume()
    this.#timer = clock.setTimeout(() => socket.destroy(), limits.lingerMs)
  }

  #onClose(): void {
    if (this.#state !== 'over') this.#leave()
    this.#options.clock.clearTimeout(this.#timer)
    this.#options.onOver()
  }

  #leave(): void {
    this.#state = 'over'
    this.#options.clock.clearTimeout(this.#timer)
    this.#inbound.length = 0
    this.#outbox.close()
    this.cancel(new ControlError('CONNECTION_CLOSED', 'the client left'))
    this.#onIdle?.()
  }

  #whenIdle(resolve: () => void): void {
    this.#onIdle = resolve
  }
}

export function stopping(): ControlError {
  return new ControlError('CANCELLED', 'the daemon is stopping')
}

function badFrame(cause: unknown): ControlError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ControlError('BAD_REQUEST', `not a frame of this protocol: ${why}`, { cause })
}

function unknownCommand(name: string, commands: ReadonlyMap<string, AnyCommand>): ControlError {
  const known = [...commands.keys()]
  return new ControlError('UNKNOWN_COMMAND', `unknown command "${name}": expected one of ${known.join(', ')}`)
}
