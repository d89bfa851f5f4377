import type { Socket } from 'node:net'
import type { Address } from './address.js'
import { type HandshakeCounters, Handshakes, type HandshakesOptions } from './handshakes.js'
import type { ListenOptions, SecureStream, StreamHandler, StreamListener } from './network-protocol.js'
import { TcpServer, type TcpServerCounters } from './tcp-server.js'

/** What listeners count; shared by all of one protocol. */
export interface StreamCounters extends TcpServerCounters, HandshakeCounters {
  /** Streams that were handed over. */
  accepted: number
  /** Handshakes that were broken off, or ended with a key or certificate that is not accepted. */
  handshakesFailed: number
  /** Connections of others that did not prove, before TLS, that they know the secret of the network. */
  notAdmitted: number
}

/** Begins the handshake over a connection; it ends with `accept` or `refuse` of the desk, or with the connection. */
export type Greet = (raw: Socket, from: Address) => void

/** What a handshake ends with; both are to be called in the turn in which it is decided. */
export interface HandshakeDesk {
  /** `make` tells of the stream over `socket`, or throws what speaks against the other side. */
  accept(socket: Socket, make: (from: Address) => SecureStream): void
  /** Destroys the connection. */
  refuse(socket: Socket, error: unknown): void
}

export interface TcpListenerOptions extends HandshakesOptions {
  readonly counters: StreamCounters
  /** The acceptor's half of the protocol; called once for each listener. */
  readonly handshake: (desk: HandshakeDesk) => Greet
}

export function streamCounters(): StreamCounters {
  return {
    accepted: 0,
    refusedByGate: 0,
    outOfDescriptors: 0,
    handshakesRefused: 0,
    handshakesFailed: 0,
    handshakesTimedOut: 0,
    notAdmitted: 0,
  }
}

/**
 * Accepts TCP connections, lets each do its handshake within the deadline, and hands over the streams of those that did. What one
 * connection costs grows step by step: the gate, a slot, then the handshake.
 */
export class TcpListener implements StreamListener, HandshakeDesk {
  readonly #options: TcpListenerOptions
  readonly #onStream: StreamHandler
  readonly #handshakes: Handshakes
  readonly #greet: Greet
  readonly #server: TcpServer

  /** @throws TransportError as `NetworkProtocol.listen` */
  static async listen(
    address: Address,
    onStream: StreamHandler,
    options: TcpListenerOptions,
    listenOptions: ListenOptions = {},
  ): Promise<TcpListener> {
    const listener = new TcpListener(address, onStream, options, listenOptions)
    await listener.#server.start()
    return listener
  }

  private constructor(
    address: Address,
    onStream: StreamHandler,
    options: TcpListenerOptions,
    listenOptions: ListenOptions,
  ) {
    const { clock, logger, counters } = options
    const onConnection = (raw: Socket, from: Address): void => {
      if (this.#handshakes.begin(raw, from)) this.#greet(raw, from)
    }
    this.#server = new TcpServer(address, { clock, logger, counters, onConnection }, listenOptions)
    this.#handshakes = new Handshakes(options)
    this.#onStream = onStream
    this.#options = options
    this.#greet = options.handshake(this)
  }

  get address(): Address {
    return this.#server.address
  }

  reset(): Promise<void> {
    return this.#server.reset()
  }

  async close(): Promise<void> {
    await Promise.all([this.#server.close(), this.#handshakes.cut()])
  }

  accept(socket: Socket, make: (from: Address) => SecureStream): void {
    const from = this.#handshakes.finish(socket)
    if (from === undefined) {
      socket.destroy()
      return
    }
    let stream: SecureStream
    try {
      stream = make(from)
    } catch (error) {
      this.refuse(socket, error)
      return
    }
    this.#options.counters.accepted += 1
    this.#hand(stream)
  }

  refuse(socket: Socket, error: unknown): void {
    const { counters, logger } = this.#options
    const { remoteAddress: from } = socket
    socket.destroy()
    counters.handshakesFailed += 1
    logger.debug({ from, error }, 'handshake failed')
  }

  #hand(stream: SecureStream): void {
    try {
      this.#onStream(stream)
    } catch (error) {
      stream.duplex.destroy()
      this.#options.logger.error({ peer: stream.remoteId, error }, 'the stream handler threw')
    }
  }
}
