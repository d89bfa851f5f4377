import { closeSync, openSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { devNull } from 'node:os'
import { type Address, formatAddress, requireAddress } from './address.js'
import { listenerClosed } from './checks.js'
import { DescriptorSpell } from './descriptor-spell.js'
import { errorCode, fromSystemError, TransportError } from './errors.js'
import type { ListenOptions, StreamListener } from './network-protocol.js'
import type { Clock, Logger } from './ports.js'
import { plainHost, remoteAddressOf } from './tcp-address.js'
import { BACKLOG, TCP_OPTIONS } from './tcp-settings.js'

const OUT_OF_DESCRIPTORS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE'])

export interface TcpServerCounters {
  /** Connections that `ListenOptions.admit` did not let in. */
  refusedByGate: number
  /** How often this machine had no descriptor left, for a connection or to listen again. */
  outOfDescriptors: number
}

export interface TcpServerOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly counters: TcpServerCounters
  /** Takes over a connection that was let in. Its errors are listened to already. */
  readonly onConnection: (raw: Socket, from: Address) => void
  /** Whether this process could open one more file now. @default asks the system */
  readonly hasDescriptor?: () => boolean
}

/**
 * A listening TCP socket that knows nothing of what is spoken: asks the gate about each connection, and shuts the door for a while when
 * the machine has no descriptor left. The last one is never kept by a connection of a stranger. Left alone, libuv goes on by
 * taking and closing whatever comes, tells nobody, and spins once it has lost its own spare descriptor to another thread.
 */
export class TcpServer implements StreamListener {
  readonly #options: TcpServerOptions
  readonly #listenOptions: ListenOptions
  readonly #spell = new DescriptorSpell()
  #address: Address
  #server: Server | undefined
  #resetting: Promise<void> | undefined
  /** The timer that ends a pause. */
  #pause: unknown
  #closed = false

  /** Opens nothing yet. */
  constructor(address: Address, options: TcpServerOptions, listenOptions: ListenOptions = {}) {
    this.#address = address
    this.#options = options
    this.#listenOptions = listenOptions
  }

  get address(): Address {
    return this.#address
  }

  /**
   * To be called once; resolves when it listens.
   * @throws TransportError as `NetworkProtocol.listen`
   */
  async start(): Promise<void> {
    const { fd, signal } = this.#listenOptions
    signal?.throwIfAborted()
    requireAddress(this.#address, true)
    if (fd !== undefined && !(Number.isInteger(fd) && fd >= 0)) throw noSocket(fd)
    await this.#open(signal)
  }

  reset(): Promise<void> {
    this.#resetting ??= this.#reset().finally(() => {
      this.#resetting = undefined
    })
    return this.#resetting
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#options.clock.clearTimeout(this.#pause)
    this.#shut()
    // Whoever called `reset` is told that this came between.
    await this.#resetting?.catch(() => {})
  }

  async #reset(): Promise<void> {
    this.#requireOpen()
    if (this.#listenOptions.fd !== undefined) {
      throw new TransportError(
        'NOT_SUPPORTED',
        `The socket at ${formatAddress(this.#address)} came as a descriptor, and whoever made it may hold it still: start the process anew with another.`,
        { address: this.#address },
      )
    }
    this.#shut()
    await this.#open(undefined)
    this.#options.clock.clearTimeout(this.#pause)
  }

  /** The kernel has the port back when this returns; a callback would wait for streams that are not ours any more. */
  #shut(): void {
    this.#server?.close()
    this.#server = undefined
  }

  async #open(signal: AbortSignal | undefined): Promise<void> {
    const { logger } = this.#options
    const server = createServer(TCP_OPTIONS)
    server.on('connection', (raw) => this.#onConnection(raw))
    await listening(server, this.#address, this.#listenOptions, signal)
    if (this.#closed) server.close()
    this.#requireOpen()
    this.#server = server
    server.on('error', (error) => {
      if (OUT_OF_DESCRIPTORS.has(errorCode(error) ?? '')) this.#onDescriptorsGone()
      else logger.warn({ error }, 'listening socket failed')
    })
    this.#address = this.#boundTo(server)
  }

  #boundTo(server: Server): Address {
    const { fd } = this.#listenOptions
    const bound = server.address()
    if (bound !== null && typeof bound === 'object') {
      return { host: fd === undefined ? this.#address.host : plainHost(bound.address), port: bound.port }
    }
    // A socket, but of this machine alone.
    this.#shut()
    throw noSocket(fd)
  }

  #onConnection(raw: Socket): void {
    const { counters, logger, hasDescriptor = canOpenFile, onConnection } = this.#options
    const from = remoteAddressOf(raw)
    raw.on('error', (error) => logger.debug({ from, error }, 'connection failed'))
    if (from === undefined || this.#closed) {
      raw.destroy()
    } else if (!this.#admits(from)) {
      counters.refusedByGate += 1
      // A reset, which leaves nothing in the kernel either.
      raw.resetAndDestroy()
    } else if (!hasDescriptor()) {
      raw.resetAndDestroy()
      this.#onDescriptorsGone()
    } else {
      onConnection(raw, from)
    }
  }

  #admits(from: Address): boolean {
    try {
      return this.#listenOptions.admit?.(from) ?? true
    } catch (error) {
      this.#options.logger.error({ from, error }, 'admit threw')
      return false
    }
  }

  #onDescriptorsGone(): void {
    const { clock, counters, logger } = this.#options
    counters.outOfDescriptors += 1
    const { pauseMs, begins } = this.#spell.note(clock.now())
    if (begins) {
      const at = formatAddress(this.#address)
      logger.warn({ at, pauseMs }, 'no descriptor is left: connections are refused until there are some')
    }
    // A socket that was given cannot be opened again: there each connection is refused by itself.
    if (this.#listenOptions.fd !== undefined) return
    this.#shut()
    this.#pauseFor(pauseMs)
  }

  #pauseFor(pauseMs: number): void {
    const { clock } = this.#options
    clock.clearTimeout(this.#pause)
    this.#pause = clock.setTimeout(() => void this.#listenAgain(), pauseMs)
  }

  async #listenAgain(): Promise<void> {
    try {
      await this.reset()
    } catch (error) {
      if (this.#closed) return
      const { clock, logger } = this.#options
      if (errorCode(error) === 'RESOURCE_BUSY') {
        this.#onDescriptorsGone()
      } else {
        logger.warn({ error }, 'cannot listen again yet')
        this.#pauseFor(this.#spell.note(clock.now()).pauseMs)
      }
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw listenerClosed(this.#address)
  }
}

/** Closes the server if it cannot listen. */
function listening(
  server: Server,
  address: Address,
  { backlog = BACKLOG, fd }: ListenOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { host, port } = address
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      signal?.removeEventListener('abort', onAbort)
      server.off('error', onError)
      if (error === undefined) {
        resolve()
      } else {
        server.close()
        reject(error)
      }
    }
    const onAbort = (): void => settle(signal?.reason)
    const onError = (error: Error): void =>
      settle(
        fd === undefined ? fromSystemError(error, `listen at ${formatAddress(address)}`, address) : noSocket(fd, error),
      )
    signal?.addEventListener('abort', onAbort)
    server.once('error', onError)
    // For `::` IPv6 only: IPv4 has a listener of its own, on the same port.
    const where = fd === undefined ? { host, port, ipv6Only: host.includes(':') } : { fd }
    server.listen({ ...where, backlog, exclusive: true }, () => settle())
  })
}

function noSocket(fd: number | undefined, cause?: Error): TransportError {
  const why = cause === undefined ? '' : `: ${cause.message}`
  return new TransportError(
    'INVALID_ARGUMENT',
    `Expected fd to be the descriptor of a TCP socket that is bound or listens, but got ${String(fd)}${why}.`,
    { cause },
  )
}

function canOpenFile(): boolean {
  try {
    closeSync(openSync(devNull, 'r'))
    return true
  } catch (error) {
    // Whatever else is wrong with that file here says nothing of descriptors.
    return !OUT_OF_DESCRIPTORS.has(errorCode(error) ?? '')
  }
}
