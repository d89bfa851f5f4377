import type { Socket } from 'node:net'
import type { PeerId } from '@pc/identity'
import type { Address } from './address.js'
import { refuseWrongPeer } from './checks.js'
import { TransportError } from './errors.js'
import type { ConnectOptions, NetworkProtocol, SecureStream } from './network-protocol.js'
import { decodePreamble, encodePreamble, PREAMBLE_BYTES } from './plain-preamble.js'
import { type Clock, silentLogger, systemClock } from './ports.js'
import type { TcpProtocolOptions } from './system-protocol.js'
import { localAddressOf } from './tcp-address.js'
import { dialTcp, handshakeFailed } from './tcp-dial.js'
import { type Greet, type HandshakeDesk, type StreamCounters, streamCounters, TcpListener } from './tcp-listener.js'
import { HANDSHAKE_TIMEOUT_MS } from './tcp-settings.js'
import { bindUdp } from './udp-socket.js'

export interface PlainTcpProtocol extends NetworkProtocol {
  /** Grow only; of all listeners together. */
  readonly counters: Readonly<StreamCounters>
}

/**
 * TCP without TLS, and UDP, of this machine: FOR TESTS AND BENCHMARKS ONLY. Nothing is encrypted, and **nothing is proved**: each side states
 * its id in a preamble of 40 bytes, and anybody can state any id. Whoever accepts such streams takes a stranger at his word.
 *
 * Streams have no channel binding, so that HELLO on a network with a secret refuses them. Both sides have to speak it: where one of them
 * speaks TLS, the dial fails with HANDSHAKE_FAILED or, when each waits for the other, HANDSHAKE_TIMEOUT. Opens nothing by itself, so
 * there is nothing to close.
 */
export function plainTcpProtocol(id: PeerId, options: TcpProtocolOptions = {}): PlainTcpProtocol {
  const { clock = systemClock, logger = silentLogger, handshakeTimeoutMs = HANDSHAKE_TIMEOUT_MS } = options
  const { maxHandshakes, maxHandshakesPerAddress } = options
  const counters = streamCounters()
  const limits = { handshakeTimeoutMs, maxHandshakes, maxHandshakesPerAddress }
  const listenerOptions = { clock, logger, counters, handshake: acceptPlain(id), ...limits }
  return {
    name: 'plain',
    counters,
    connect: (address, connectOptions) =>
      connectPlain(id, clock, address, { timeoutMs: handshakeTimeoutMs, ...connectOptions }),
    listen: (address, onStream, listenOptions) => TcpListener.listen(address, onStream, listenerOptions, listenOptions),
    bind: (bindOptions, onDatagram) => bindUdp(bindOptions, onDatagram, logger),
  }
}

/** The acceptor speaks first, as with TLS: a dialler that finds another peer than it expected says nothing at all. */
function acceptPlain(own: PeerId): (desk: HandshakeDesk) => Greet {
  return (desk) => (raw) => {
    raw.write(encodePreamble(own))
    readPreamble(raw, (bytes) => {
      desk.accept(raw, (from) => streamOf(raw, own, from, bytes, false))
    })
  }
}

function connectPlain(own: PeerId, clock: Clock, address: Address, options: ConnectOptions): Promise<SecureStream> {
  return dialTcp(clock, address, options, (raw, settle) => ({
    begin: () =>
      readPreamble(raw, (bytes) => {
        try {
          const stream = streamOf(raw, own, address, bytes, true, options.expect)
          raw.write(encodePreamble(own))
          settle(undefined, stream)
        } catch (error) {
          settle(error)
        }
      }),
    brokenOff: (cause) => handshakeFailed(cause, address),
  }))
}

/** @throws TransportError HANDSHAKE_FAILED, SELF_DIALLED, WRONG_PEER */
function streamOf(
  raw: Socket,
  own: PeerId,
  there: Address,
  preamble: Uint8Array,
  dialled: boolean,
  expect?: PeerId,
): SecureStream {
  const remoteId = decodePreamble(preamble)
  if (remoteId === undefined) {
    throw new TransportError(
      'HANDSHAKE_FAILED',
      `Expected the preamble of plain TCP at ${there.host}, but got something else: do both sides use plainTcpProtocol?`,
      { address: there },
    )
  }
  refuseWrongPeer(own, remoteId, there, expect)
  const localAddress = localAddressOf(raw)
  return { duplex: raw, remoteId, remoteAddress: there, localAddress, dialled, copiesWrites: true }
}

/** Calls `done` once, with what came first, unless the socket closes before; what follows stays in the socket. */
function readPreamble(raw: Socket, done: (bytes: Uint8Array) => void): void {
  const onReadable = (): void => {
    const bytes: Buffer | null = raw.read(PREAMBLE_BYTES)
    if (bytes === null) return
    raw.off('readable', onReadable)
    done(bytes)
  }
  raw.on('readable', onReadable)
}
