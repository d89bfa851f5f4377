import type { Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Address, formatAddress } from './address.js'
import type { AdmissionFault, Admissions } from './admission.js'
import { exchangeAdmission } from './admission-exchange.js'
import { selfDialled } from './checks.js'
import { TransportError } from './errors.js'
import type { ConnectOptions, SecureStream } from './network-protocol.js'
import type { Clock } from './ports.js'
import { type DialHandshake, dialTcp, handshakeFailed } from './tcp-dial.js'
import { STREAM_HIGH_WATER_MARK } from './tcp-settings.js'
import { provedPeer, TLS_OPTIONS, type TlsContext } from './tls-context.js'
import { TlsStream } from './tls-stream.js'

export interface TlsDialOptions {
  readonly context: TlsContext
  /** On a network with a secret. */
  readonly admissions: Admissions | undefined
  readonly clock: Clock
}

/** Dials and proves. */
export function connectTls(
  { context, admissions, clock }: TlsDialOptions,
  address: Address,
  options: ConnectOptions = {},
): Promise<SecureStream> {
  return dialTcp(clock, address, options, (raw, settle): DialHandshake => {
    const admission = admissions?.dialling()
    let socket: TLSSocket | undefined
    let secured = false

    const startTls = (): void => {
      socket = connect(tlsOptions(context, raw))
      socket.once('secureConnect', onSecure)
      // Stays for the life of the socket, so that an error before the owner listens does not end the process.
      socket.on('error', (error) => settle(handshakeFailed(error, address)))
      socket.once('close', () => {
        if (!secured) settle(brokenOff())
      })
    }
    const onAdmission = (fault: AdmissionFault | undefined): void => {
      if (raw.destroyed) return
      if (fault === undefined) startTls()
      else settle(fault === 'own-challenge' ? selfDialled(address) : notAdmitted(fault, address))
    }
    const onSecure = (): void => {
      // Everything in this turn: see provedPeer.
      if (socket === undefined || socket.destroyed) return
      secured = true
      try {
        const remoteId = provedPeer(socket, context, address, options.expect)
        settle(undefined, new TlsStream(socket, remoteId, address, true))
      } catch (error) {
        settle(error)
      }
    }
    const brokenOff = (error?: Error): TransportError =>
      admission?.answered ? notAdmitted('ended', address, error) : handshakeFailed(error, address)

    return {
      begin: () => {
        if (admission === undefined) startTls()
        else exchangeAdmission(raw, admission, onAdmission)
      },
      brokenOff,
      // Before the connection: once TLS is gone, nothing that it has written in memory can follow.
      cut: () => socket?.destroy(),
    }
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

function notAdmitted(fault: AdmissionFault | 'ended', address: Address, cause?: Error): TransportError {
  return new TransportError(
    'NOT_ADMITTED',
    `${formatAddress(address)} did not prove that it knows the secret of this network (${fault}); compare the secrets.`,
    { cause, address },
  )
}
