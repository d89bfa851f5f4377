import { type ConnectionOptions, connect, type SecureContext, type TLSSocket } from 'node:tls'
import { type Address, formatAddress, requireAddress } from './address.js'
import { fromSystemError, TransportError } from './errors.js'
import { lookupLiteral } from './lookup-literal.js'
import type { ConnectOptions, SecureStream } from './network-protocol.js'
import type { Clock } from './ports.js'
import {
  HANDSHAKE_TIMEOUT_MS,
  provedPeer,
  STREAM_HIGH_WATER_MARK,
  TCP_KEEP_ALIVE_MS,
  TLS_OPTIONS,
  type TlsContext,
} from './tls-context.js'

/** Dials and proves. The one exit is `settle`: it stops the timer and the signal, and destroys the socket unless it is handed over. */
export async function connectTls(
  { identity, secureContext }: TlsContext,
  address: Address,
  clock: Clock,
  { expect, timeoutMs = HANDSHAKE_TIMEOUT_MS, signal }: ConnectOptions = {},
): Promise<SecureStream> {
  signal?.throwIfAborted()
  requireAddress(address)
  const where = formatAddress(address)
  return new Promise((resolve, reject) => {
    const socket = connect(dialOptions(secureContext, address))
    let connected = false
    let settled = false

    const settle = (error: unknown, stream?: SecureStream): void => {
      if (settled) return
      settled = true
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (stream === undefined) {
        socket.destroy()
        reject(error)
      } else {
        resolve(stream)
      }
    }
    const onAbort = (): void => settle(signal?.reason)
    const timer = clock.setTimeout(() => settle(timeoutError(connected, timeoutMs, address)), timeoutMs)
    signal?.addEventListener('abort', onAbort)

    socket.once('connect', () => {
      connected = true
      socket.setNoDelay(true)
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS)
    })
    socket.once('secureConnect', () => {
      // Everything in this turn: see provedPeer.
      if (settled) return
      try {
        settle(undefined, {
          duplex: socket,
          remoteId: provedPeer(socket, identity.id, address, expect),
          remoteAddress: address,
          localAddress: localAddressOf(socket),
          dialled: true,
        })
      } catch (error) {
        settle(error)
      }
    })
    // Stays for the life of the socket, so that an error before the owner listens does not end the process.
    socket.on('error', (error) => {
      settle(connected ? handshakeError(error, address) : fromSystemError(error, `connect to ${where}`, address))
    })
    socket.once('close', () => settle(handshakeError(undefined, address)))
  })
}

function dialOptions(secureContext: SecureContext, address: Address): ConnectionOptions {
  const options: ConnectionOptions & { highWaterMark: number } = {
    ...TLS_OPTIONS,
    secureContext,
    host: address.host,
    port: address.port,
    // An IP literal is no server name (RFC 6066 §3), and a peer's name is nobody else's business.
    servername: '',
    lookup: lookupLiteral,
    highWaterMark: STREAM_HIGH_WATER_MARK,
  }
  return options
}

function localAddressOf(socket: TLSSocket): Address {
  return { host: socket.localAddress ?? '', port: socket.localPort ?? 0 }
}

function timeoutError(connected: boolean, timeoutMs: number, address: Address): TransportError {
  const where = formatAddress(address)
  return connected
    ? new TransportError('HANDSHAKE_TIMEOUT', `${where} did not finish the handshake within ${timeoutMs} ms.`, {
        address,
      })
    : new TransportError('CONNECT_TIMEOUT', `${where} did not answer within ${timeoutMs} ms.`, { address })
}

function handshakeError(cause: Error | undefined, address: Address): TransportError {
  // OpenSSL's errors carry a readable reason beside a message full of addresses and file names.
  const { reason } = { ...cause } as { reason?: string }
  const why = cause === undefined ? 'closed in the middle' : (reason ?? cause.message)
  return new TransportError('HANDSHAKE_FAILED', `The handshake with ${formatAddress(address)} failed: ${why}.`, {
    cause,
    address,
  })
}
