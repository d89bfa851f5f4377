import type { Identity, Network } from '@pc/identity'
import { Admissions } from './admission.js'
import type { NetworkProtocol } from './network-protocol.js'
import { type Clock, type Logger, type Random, silentLogger, systemClock, systemRandom } from './ports.js'
import { type StreamCounters, streamCounters, TcpListener } from './tcp-listener.js'
import { HANDSHAKE_TIMEOUT_MS } from './tcp-settings.js'
import { acceptTls } from './tls-accept.js'
import { connectTls } from './tls-connect.js'
import { createTlsContext } from './tls-context.js'
import { bindUdp } from './udp-socket.js'

/** What protocols over TCP have in common. */
export interface TcpProtocolOptions {
  /** @default systemClock */
  clock?: Clock
  /** @default silentLogger */
  logger?: Logger
  /** How long a connection may take to do its handshake, on both sides. @default 5000 */
  handshakeTimeoutMs?: number
  /** Handshakes that a listener lets go on at once; the next connection is destroyed and counted. @default 64 */
  maxHandshakes?: number
  /** The same for one remote address; raise it where many peers share a machine. @default 16 */
  maxHandshakesPerAddress?: number
}

export interface SystemProtocolOptions extends TcpProtocolOptions {
  /**
   * The network of the peer. If it has a secret, every connection starts with a proof of both sides that they know it, and whoever
   * does not gets no byte of TLS. @default an open network
   */
  network?: Pick<Network, 'hasSecret' | 'prove' | 'verifyProof'>
  /** Only challenges are drawn from it; TLS has randomness of its own. @default systemRandom */
  random?: Random
}

export interface SystemProtocol extends NetworkProtocol {
  /** Grow only; of all listeners together. */
  readonly counters: Readonly<StreamCounters>
}

/** TLS 1.3 and UDP of this machine, for the peer `identity`. Opens nothing by itself, so there is nothing to close. */
export function systemProtocol(identity: Identity, options: SystemProtocolOptions = {}): SystemProtocol {
  const { clock = systemClock, logger = silentLogger, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options
  const { network, random = systemRandom, maxHandshakes, maxHandshakesPerAddress } = options
  const context = createTlsContext(identity)
  const admissions = network?.hasSecret ? new Admissions(network, random) : undefined
  const counters = streamCounters()
  const handshake = acceptTls({ context, admissions, logger, counters })
  const limits = { handshakeTimeoutMs, maxHandshakes, maxHandshakesPerAddress }
  const listenerOptions = { clock, logger, counters, handshake, ...limits }
  return {
    name: 'system',
    counters,
    connect: (address, connectOptions) =>
      connectTls({ context, admissions, clock }, address, { timeoutMs: handshakeTimeoutMs, ...connectOptions }),
    listen: (address, onStream, listenOptions) => TcpListener.listen(address, onStream, listenerOptions, listenOptions),
    bind: (bindOptions, onDatagram) => bindUdp(bindOptions, onDatagram, logger),
  }
}
