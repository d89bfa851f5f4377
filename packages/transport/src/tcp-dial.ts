import { connect, type Socket } from 'node:net'
import { type Address, formatAddress, requireAddress } from './address.js'
import { errorCode, fromSystemError, TransportError } from './errors.js'
import { lookupLiteral } from './lookup-literal.js'
import type { ConnectOptions, SecureStream } from './network-protocol.js'
import type { Clock } from './ports.js'
import { isLinkLocal } from './subnet.js'
import { HANDSHAKE_TIMEOUT_MS, TCP_OPTIONS } from './tcp-settings.js'

/** With a stream or with what went wrong; only the first call counts. */
export type SettleDial = (error: unknown, stream?: SecureStream) => void

/** The dialler's half of a protocol, over one connection. */
export interface DialHandshake {
  /** The connection stands. */
  begin(): void
  /** What it means that the connection ended before the handshake was done. */
  brokenOff(cause?: Error): TransportError
  /** The dial has failed, and the connection is about to be destroyed. */
  cut?(): void
}

/**
 * Opens a TCP connection and lets `handshake` make a stream of it. The one exit is `settle`: it stops the timer and the signal, and
 * destroys the connection unless it is handed over.
 */
export async function dialTcp(
  clock: Clock,
  address: Address,
  { timeoutMs = HANDSHAKE_TIMEOUT_MS, signal }: ConnectOptions,
  handshake: (raw: Socket, settle: SettleDial) => DialHandshake,
): Promise<SecureStream> {
  signal?.throwIfAborted()
  requireAddress(address)
  requireScope(address)
  return new Promise((resolve, reject) => {
    const raw = connect({ ...address, lookup: lookupLiteral, ...TCP_OPTIONS })
    let connected = false
    let settled = false

    const settle: SettleDial = (error, stream) => {
      if (settled) return
      settled = true
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (stream === undefined) {
        cut()
        raw.destroy()
        reject(error)
      } else {
        resolve(stream)
      }
    }
    const { begin, brokenOff, cut = () => {} } = handshake(raw, settle)
    const onAbort = (): void => settle(signal?.reason)
    const timer = clock.setTimeout(() => settle(timeoutError(connected, timeoutMs, address)), timeoutMs)
    signal?.addEventListener('abort', onAbort)

    raw.once('connect', () => {
      connected = true
      if (!settled) begin()
    })
    // Stays for the life of the socket, so that an error before the owner listens does not end the process.
    raw.on('error', (error) => settle(connected ? brokenOff(error) : connectError(error, address)))
    raw.once('close', () => {
      if (!settled) settle(brokenOff())
    })
  })
}

/** For a connection that ended, or carried something else, before the handshake was done. */
export function handshakeFailed(cause: Error | undefined, address: Address): TransportError {
  // OpenSSL's errors carry a readable reason beside a message full of addresses and file names.
  const { reason } = { ...cause } as { reason?: string }
  const why = cause === undefined ? 'closed in the middle' : (reason ?? cause.message)
  return new TransportError('HANDSHAKE_FAILED', `The handshake with ${formatAddress(address)} failed: ${why}.`, {
    cause,
    address,
  })
}

/** Every interface has such a network, so that the address alone leads nowhere. */
function requireScope(address: Address): void {
  if (!isLinkLocal(address.host) || address.host.includes('%')) return
  throw new TransportError(
    'ADDRESS_INVALID',
    `Expected a link-local address with the interface it is on, as ${address.host}%eth0, but got ${formatAddress(address)}.`,
    { address },
  )
}

function connectError(error: Error, address: Address): TransportError {
  const doing = `connect to ${formatAddress(address)}`
  // What systems answer when the scope names no interface.
  if (errorCode(error) === 'EINVAL' && address.host.includes('%')) {
    return new TransportError('ADDRESS_NOT_AVAILABLE', `Could not ${doing}: this machine has no such interface now.`, {
      cause: error,
      address,
    })
  }
  return fromSystemError(error, doing, address)
}

function timeoutError(connected: boolean, timeoutMs: number, address: Address): TransportError {
  const where = formatAddress(address)
  return connected
    ? new TransportError('HANDSHAKE_TIMEOUT', `${where} did not finish the handshake within ${timeoutMs} ms.`, {
        address,
      })
    : new TransportError('CONNECT_TIMEOUT', `${where} did not answer within ${timeoutMs} ms.`, { address })
}
