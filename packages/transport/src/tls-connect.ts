import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Address, formatAddress, requireAddress } from './address.js'
import type { AdmissionFault, Admissions } from './admission.js'
import { exchangeAdmission } from './admission-exchange.js'
import { selfDialled } from './checks.js'
import { fromSystemError, TransportError } from './errors.js'
import { lookupLiteral } from './lookup-literal.js'
import type { ConnectOptions, SecureStream } from './network-protocol.js'
import type { Clock } from './ports.js'
import {
  channelBindingOf,
  HANDSHAKE_TIMEOUT_MS,
  provedPeer,
  STREAM_HIGH_WATER_MARK,
  TCP_KEEP_ALIVE_MS,
  TLS_OPTIONS,
  type TlsContext,
} from './tls-context.js'

export interface TlsDialOptions {
  readonly context: TlsContext
  /** On a network with a secret. */
  readonly admissions: Admissions | undefined
  readonly clock: Clock
}

/** Dials and proves. The one exit is `settle`: it stops the timer and the signal, and destroys the socket unless it is handed over. */
export async function connectTls(
  { context, admissions, clock }: TlsDialOptions,
  address: Address,
  { expect, timeoutMs = HANDSHAKE_TIMEOUT_MS, signal }: ConnectOptions = {},
): Promise<SecureStream> {
  signal?.throwIfAborted()
  requireAddress(address)
  const where = formatAddress(address)
  return new Promise((resolve, reject) => {
    const raw = dial(address)
    const admission = admissions?.dialling()
    let socket: TLSSocket | undefined
    let connected = false
    let settled = false

    const settle = (error: unknown, stream?: SecureStream): void => {
      if (settled) return
      settled = true
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      if (stream === undefined) {
        // TLS first: once it is gone, nothing that it has written in memory can follow.
        socket?.destroy()
        raw.destroy()
        reject(error)
      } else {
        resolve(stream)
      }
    }
    const onAbort = (): void => settle(signal?.reason)
    const timer = clock.setTimeout(() => settle(timeoutError(connected, timeoutMs, address)), timeoutMs)
    signal?.addEventListener('abort', onAbort)

    const startTls = (): void => {
      socket = connect(tlsOptions(context, raw))
      socket.once('secureConnect', onSecure)
      // Stays for the life of the socket, so that an error before the owner listens does not end the process.
      socket.on('error', (error) => settle(handshakeError(error, address)))
      socket.once('close', onClose)
    }
    const onAdmission = (fault: AdmissionFault | undefined): void => {
      if (settled) return
      if (fault === undefined) startTls()
      else settle(fault === 'own-challenge' ? selfDialled(address) : notAdmitted(fault, address))
    }
    const onSecure = (): void => {
      // Everything in this turn: see provedPeer.
      if (settled || socket === undefined) return
      try {
        settle(undefined, {
          duplex: socket,
          remoteId: provedPeer(socket, context.identity.id, address, expect),
          remoteAddress: address,
          localAddress: localAddressOf(socket),
          dialled: true,
          channelBinding: channelBindingOf(socket),
        })
      } catch (error) {
        settle(error)
      }
    }
    const brokenOff = (error?: Error): TransportError =>
      admission?.answered ? notAdmitted('ended', address, error) : handshakeError(error, address)
    const onClose = (): void => settle(brokenOff())

    raw.once('connect', () => {
      connected = true
      if (settled) return
      if (admission === undefined) startTls()
      else exchangeAdmission(raw, admission, onAdmission)
    })
    raw.on('error', (error) => {
      settle(connected ? brokenOff(error) : fromSystemError(error, `connect to ${where}`, address))
    })
    raw.once('close', onClose)
  })
}

function dial({ host, port }: Address): Socket {
  return connectTcp({
    host,
    port,
    lookup: lookupLiteral,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  })
}

function tlsOptions({ secureContext }: TlsContext, socket: Socket): ConnectionOptions {
  const options: ConnectionOptions & { highWaterMark: number } = {
    ...TLS_OPTIONS,
    secureContext,
    socket,
    // An IP literal is no server name (RFC 6066 §3), and a peer's name is nobody else's business.
    servername: '',
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

function notAdmitted(fault: AdmissionFault | 'ended', address: Address, cause?: Error): TransportError {
  return new TransportError(
    'NOT_ADMITTED',
    `${formatAddress(address)} did not prove that it knows the secret of this network (${fault}); compare the secrets.`,
    { cause, address },
  )
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
