import { createServer, type Server, type Socket } from 'node:net'
import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { type Address, formatAddress, requireAddress } from './address.js'
import type { Admissions } from './admission.js'
import { exchangeAdmission } from './admission-exchange.js'
import { fromSystemError } from './errors.js'
import { HandshakeSlots } from './handshake-slots.js'
import type { ListenOptions, StreamHandler, StreamListener } from './network-protocol.js'
import type { Clock, Logger } from './ports.js'
import {
  channelBindingOf,
  provedPeer,
  STREAM_HIGH_WATER_MARK,
  TCP_KEEP_ALIVE_MS,
  TLS_OPTIONS,
  type TlsContext,
} from './tls-context.js'

/** Connections waiting in the kernel. */
const BACKLOG = 128

/** What listeners count; shared by all of one protocol. */
export interface StreamCounters {
  /** Streams that were handed over. */
  accepted: number
  /** Connections destroyed because too many handshakes were under way. */
  handshakesRefused: number
  /** Handshakes that were broken off, or ended with a certificate that is not accepted. */
  handshakesFailed: number
  /** Handshakes cut by the deadline. */
  handshakesTimedOut: number
  /** Connections of others that did not prove, before TLS, that they know the secret of the network. */
  notAdmitted: number
}

export interface TlsListenerOptions {
  readonly context: TlsContext
  readonly clock: Clock
  readonly logger: Logger
  readonly counters: StreamCounters
  /** On a network with a secret. */
  readonly admissions: Admissions | undefined
  readonly handshakeTimeoutMs: number
  readonly maxHandshakes?: number | undefined
  readonly maxHandshakesPerAddress?: number | undefined
}

interface Handshake {
  readonly raw: Socket
  /** Gives the slot back and stops the deadline. */
  readonly end: () => void
}

/**
 * Accepts TCP connections, lets each prove its key within the deadline (and before, where the network has a secret, that it knows
 * that), and hands over those that did. Two servers do it:
 * one accepts and counts, so that excess costs no TLS state; the other never listens and only does handshakes.
 */
export class TlsListener implements StreamListener {
  readonly #options: TlsListenerOptions
  readonly #onStream: StreamHandler
  readonly #slots: HandshakeSlots
  /** By both ends, which no two living connections share: see {@link endsOf}. */
  readonly #handshakes = new Map<string, Handshake>()
  readonly #tls: ReturnType<typeof createTlsServer>
  readonly #tcp: Server
  #address: Address
  #closed = false

  static async listen(
    address: Address,
    onStream: StreamHandler,
    options: TlsListenerOptions,
    { backlog = BACKLOG, signal }: ListenOptions = {},
  ): Promise<TlsListener> {
    signal?.throwIfAborted()
    requireAddress(address, true)
    const listener = new TlsListener(address, onStream, options)
    await listener.#start(backlog, signal)
    return listener
  }

  private constructor(address: Address, onStream: StreamHandler, options: TlsListenerOptions) {
    this.#address = address
    this.#onStream = onStream
    this.#options = options
    this.#slots = new HandshakeSlots(options.maxHandshakes, options.maxHandshakesPerAddress)
    this.#tls = createTlsServer({ ...options.context.options, ...TLS_OPTIONS })
    this.#tls.on('secureConnection', (socket) => this.#onSecure(socket))
    this.#tls.on('tlsClientError', (error, socket) => {
      options.counters.handshakesFailed += 1
      options.logger.debug({ from: socket.remoteAddress, error }, 'handshake failed')
      socket.destroy()
    })
    this.#tcp = createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
      allowHalfOpen: false,
    })
    this.#tcp.on('connection', (raw) => this.#onConnection(raw))
  }

  get address(): Address {
    return this.#address
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // The kernel has the port back when this returns; the callback would wait for streams that are not ours any more.
    this.#tcp.close()
    await Promise.all([...this.#handshakes.values()].map(({ raw }) => destroyed(raw)))
  }

  async #start(backlog: number, signal: AbortSignal | undefined): Promise<void> {
    const { host, port } = this.#address
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: unknown): void => {
        signal?.removeEventListener('abort', onAbort)
        this.#tcp.off('error', onError)
        if (error === undefined) {
          resolve()
        } else {
          this.#closed = true
          this.#tcp.close()
          reject(error)
        }
      }
      const onAbort = (): void => settle(signal?.reason)
      const onError = (error: Error): void =>
        settle(fromSystemError(error, `listen at ${formatAddress(this.#address)}`, this.#address))
      signal?.addEventListener('abort', onAbort)
      this.#tcp.once('error', onError)
      // For `::` IPv6 only: IPv4 has a listener of its own, on the same port.
      this.#tcp.listen({ host, port, backlog, exclusive: true, ipv6Only: host.includes(':') }, () => settle())
    })
    this.#tcp.on('error', (error) => this.#options.logger.warn({ error }, 'listening socket failed'))
    const bound = this.#tcp.address()
    if (bound !== null && typeof bound === 'object') this.#address = { host, port: bound.port }
  }

  #onConnection(raw: Socket): void {
    const { clock, logger, counters, handshakeTimeoutMs } = this.#options
    const from = remoteAddressOf(raw)
    const ends = endsOf(raw)
    raw.on('error', (error) => logger.debug({ from, error }, 'connection failed'))
    // Whoever resets and comes again from the same port may be seen before the end of the first connection is.
    this.#handshakes.get(ends)?.end()
    if (this.#closed || from === undefined || !this.#slots.take(from.host)) {
      counters.handshakesRefused += 1
      logger.debug({ from, underWay: this.#slots.taken }, 'too many handshakes, connection refused')
      raw.destroy()
      return
    }
    const end = (): void => {
      raw.off('close', end)
      if (this.#handshakes.get(ends) !== handshake) return
      this.#handshakes.delete(ends)
      clock.clearTimeout(timer)
      this.#slots.give(from.host)
    }
    const handshake: Handshake = { raw, end }
    const timer = clock.setTimeout(() => {
      counters.handshakesTimedOut += 1
      logger.debug({ from, handshakeTimeoutMs }, 'handshake not done in time')
      raw.destroy()
    }, handshakeTimeoutMs)
    raw.once('close', end)
    this.#handshakes.set(ends, handshake)
    this.#admit(raw, from)
  }

  /** Before TLS, where the network has a secret. */
  #admit(raw: Socket, from: Address): void {
    const { admissions, counters, logger } = this.#options
    if (admissions === undefined) {
      this.#startTls(raw)
      return
    }
    exchangeAdmission(raw, admissions.accepting(), (fault) => {
      if (fault === undefined) {
        this.#startTls(raw)
        return
      }
      counters.notAdmitted += 1
      logger.debug({ from, fault }, 'not admitted to the network')
      raw.destroy()
    })
  }

  /** A tls.Server takes no highWaterMark for its sockets, only the default of the moment when it makes one, which is here. */
  #startTls(raw: Socket): void {
    const before = getDefaultHighWaterMark(false)
    setDefaultHighWaterMark(false, STREAM_HIGH_WATER_MARK)
    try {
      this.#tls.emit('connection', raw)
    } finally {
      setDefaultHighWaterMark(false, before)
    }
  }

  /** The handshake listener: everything up to the check happens in its turn, see provedPeer. */
  #onSecure(socket: TLSSocket): void {
    const { context, counters, logger } = this.#options
    // Stays for the life of the socket, so that an error before the owner listens does not end the process.
    socket.on('error', (error) => logger.trace({ error }, 'accepted stream failed'))
    const remoteAddress = remoteAddressOf(socket)
    const handshake = this.#handshakes.get(endsOf(socket))
    if (remoteAddress === undefined || handshake === undefined) {
      socket.destroy()
      return
    }
    handshake.end()
    try {
      const remoteId = provedPeer(socket, context.identity.id, remoteAddress)
      const localAddress = { host: socket.localAddress ?? this.#address.host, port: this.#address.port }
      const channelBinding = channelBindingOf(socket)
      counters.accepted += 1
      this.#hand({ duplex: socket, remoteId, remoteAddress, localAddress, dialled: false, channelBinding })
    } catch (error) {
      socket.destroy()
      counters.handshakesFailed += 1
      logger.debug({ from: remoteAddress, error }, 'certificate refused')
    }
  }

  #hand(stream: Parameters<StreamHandler>[0]): void {
    try {
      this.#onStream(stream)
    } catch (error) {
      stream.duplex.destroy()
      this.#options.logger.error({ peer: stream.remoteId, error }, 'the stream handler threw')
    }
  }
}

function remoteAddressOf(socket: Socket): Address | undefined {
  const { remoteAddress, remotePort } = socket
  return remoteAddress === undefined || remotePort === undefined ? undefined : { host: remoteAddress, port: remotePort }
}

/** Local address too: a listener at `0.0.0.0` may be reached from one remote port at two addresses of this machine. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}

function destroyed(raw: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (raw.closed) {
      resolve()
    } else {
      raw.once('close', () => resolve())
      raw.destroy()
    }
  })
}
