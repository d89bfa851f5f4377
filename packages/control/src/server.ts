import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, type Logger, silentLogger, systemClock } from '@pc/transport'
import { type AnyCommand, commandTable } from './command.js'
import { ControlError } from './errors.js'
import { controlPath } from './folders.js'
import { type ControlLimits, resolveLimits } from './limits.js'
import { privateFolder } from './private-folder.js'
import type { RunningCommand } from './running-command.js'
import { Session, stopping } from './session.js'
import { type TakenSocket, takeSocket } from './take-socket.js'

export interface ControlServerOptions {
  /** State folder of the daemon; made with mode 0700 when missing, refused when others may enter it. */
  folder: string
  /** Everything clients may ask for. */
  commands: readonly AnyCommand[]
  /** Told to every client, e.g. `pcd/0.0.0`. */
  version: string
  /** @default systemClock */
  clock?: Clock
  /** @default silentLogger */
  logger?: Logger
  limits?: Partial<ControlLimits>
  /** Gives up while another daemon is starting in the same folder. */
  signal?: AbortSignal
}

/** The door of a daemon for the programs of its user: one {@link Session} per client on a socket in a private folder. */
export class ControlServer {
  /** Where clients connect. */
  readonly path: string
  readonly #clock: Clock
  readonly #limits: ControlLimits
  readonly #logger: Logger
  readonly #daemon: string
  readonly #commands: ReadonlyMap<string, AnyCommand>
  readonly #sessions = new Set<Session>()
  readonly #running = new Set<RunningCommand>()
  #closing = false
  #socket: TakenSocket | undefined
  #closed: Promise<void> | undefined

  /**
   * Resolves once clients can connect.
   * @throws ControlError ALREADY_RUNNING when a daemon answers in that folder, FOLDER_UNSAFE, PATH_TOO_LONG, BAD_OPTION
   */
  static async create(options: ControlServerOptions): Promise<ControlServer> {
    const server = new ControlServer(options)
    await privateFolder(options.folder)
    await server.#listen(options.signal)
    return server
  }

  private constructor(options: ControlServerOptions) {
    this.path = controlPath(options.folder)
    this.#commands = commandTable(options.commands)
    this.#limits = resolveLimits(options.limits)
    this.#daemon = options.version
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
  }

  /** Clients connected now. */
  get sessions(): number {
    return this.#sessions.size
  }

  /**
   * Takes no more requests, ends streams, gives the other commands `limits.drainMs` (or until `signal` aborts) to
   * answer, cancels the rest, then frees the socket: until then no second daemon can start here. Idempotent. A command
   * that itself awaits this waits for its own deadline: let it answer first.
   */
  close(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#closed ??= this.#close()
    const hurry = (): void => this.#cancelAll()
    if (options.signal?.aborted) hurry()
    else options.signal?.addEventListener('abort', hurry, { once: true })
    return this.#closed.finally(() => options.signal?.removeEventListener('abort', hurry))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #listen(signal: AbortSignal | undefined): Promise<void> {
    const server: Server = createServer((socket) => this.#onSocket(socket))
    // Those over the limit of sessions are told so; twice the limit is a flood, cut without a word.
    server.maxConnections = this.#limits.sessions * 2
    this.#socket = await takeSocket({ server, path: this.path, clock: this.#clock, signal })
    server.on('error', (error) => this.#logger.error({ err: error }, 'control socket failed'))
  }

  #onSocket(socket: Socket): void {
    const full = this.#sessions.size >= this.#limits.sessions
    const session: Session = new Session({
      socket,
      commands: this.#commands,
      daemon: this.#daemon,
      clock: this.#clock,
      logger: this.#logger,
      limits: this.#limits,
      running: this.#running,
      onOver: () => this.#sessions.delete(session),
    })
    this.#sessions.add(session)
    if (this.#closing) session.refuse(stopping())
    else if (full) session.refuse(tooManySessions(this.#limits.sessions))
  }

  async #close(): Promise<void> {
    this.#closing = true
    const timer = this.#clock.setTimeout(() => this.#cancelAll(), this.#limits.drainMs)
    await Promise.all([...this.#sessions].map((session) => session.drain()))
    this.#clock.clearTimeout(timer)
    await this.#socket?.release()
  }

  #cancelAll(): void {
    for (const session of this.#sessions) session.cancel()
  }
}

function tooManySessions(limit: number): ControlError {
  return new ControlError('BUSY', `${limit} clients are connected, which is the limit: close one and try again`)
}
