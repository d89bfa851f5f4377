import type { Socket } from 'node:net'
import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream'
import { createServer, type TLSSocket } from 'node:tls'
import type { Address } from './address.js'
import type { Admissions } from './admission.js'
import { exchangeAdmission } from './admission-exchange.js'
import type { Logger } from './ports.js'
import type { Greet, HandshakeDesk, StreamCounters } from './tcp-listener.js'
import { STREAM_HIGH_WATER_MARK } from './tcp-settings.js'
import { provedPeer, TLS_OPTIONS, type TlsContext } from './tls-context.js'
import { TlsStream } from './tls-stream.js'

export interface TlsAcceptOptions {
  readonly context: TlsContext
  /** On a network with a secret. */
  readonly admissions: Admissions | undefined
  readonly logger: Logger
  readonly counters: StreamCounters
}

/**
 * Lets each dialler prove its key, and before, where the network has a secret, that it knows that. The TLS server never listens: it
 * only does handshakes, so that what is refused before costs no state of TLS.
 */
export function acceptTls({ context, admissions, logger, counters }: TlsAcceptOptions): (desk: HandshakeDesk) => Greet {
  return (desk) => {
    const tls = createServer({ ...context.options, ...TLS_OPTIONS })
    // The handshake listener: everything up to the check happens in its turn, see provedPeer.
    tls.on('secureConnection', (socket: TLSSocket) => {
      // Stays for the life of the socket, so that an error before the owner listens does not end the process.
      socket.on('error', (error) => logger.trace({ error }, 'accepted stream failed'))
      desk.accept(socket, (from) => new TlsStream(socket, provedPeer(socket, context, from), from, false))
    })
    tls.on('tlsClientError', (error, socket) => desk.refuse(socket, error))
    const startTls = (raw: Socket): void => {
      // A tls.Server takes no highWaterMark for its sockets, only the default of the moment when it makes one, which is here.
      const before = getDefaultHighWaterMark(false)
      setDefaultHighWaterMark(false, STREAM_HIGH_WATER_MARK)
      try {
        tls.emit('connection', raw)
      } finally {
        setDefaultHighWaterMark(false, before)
      }
    }
    if (admissions === undefined) return startTls
    return (raw: Socket, from: Address) => {
      exchangeAdmission(raw, admissions.accepting(), (fault) => {
        if (fault === undefined) {
          startTls(raw)
          return
        }
        counters.notAdmitted += 1
        logger.debug({ from, fault }, 'not admitted to the network')
        raw.destroy()
      })
    }
  }
}
