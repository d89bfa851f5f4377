/**
 * TLS as this stack uses it: version 1.3 only, ALPN `pc/1`, X25519 and Ed25519 only, a self-signed certificate from both
 * sides, no resumption. No authority is asked: the certificate carries the peer's key, and completing the handshake proves it.
 */
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { createCertificate, type Identity, type PeerId } from '@pc/identity'
import { type Address, formatAddress } from './address.js'
import { refuseWrongPeer } from './checks.js'
import { TransportError } from './errors.js'
import { KnownCertificates } from './known-certificates.js'

/** The protocol negotiated by ALPN (RFC 7301). Another major version of the wire format would be another name. */
export const ALPN = 'pc/1'

export interface TlsContext {
  readonly identity: Identity
  /** For servers, which make their own context. */
  readonly options: SecureContextOptions
  /** Of peers that were here before. */
  readonly certificates: KnownCertificates
  /** For diallers: made once, because parsing the key costs more than the rest of a dial. */
  readonly secureContext: SecureContext
}

export function createTlsContext(identity: Identity): TlsContext {
  const options: SecureContextOptions = {
    ...createCertificate(identity),
    minVersion: 'TLSv1.3',
    sigalgs: 'ed25519',
    ecdhCurve: 'X25519',
    // Stateless tickets would carry a sealed copy of the session. Without them OpenSSL still sends two short ones, and Node has
    // no switch for that; but they name entries of a cache that is not kept, so nothing can be resumed with them.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
  return { identity, options, certificates: new KnownCertificates(), secureContext: createSecureContext(options) }
}

/** The options that both sides pass beside the context. The own check is {@link provedPeer}, not one of OpenSSL's. */
export const TLS_OPTIONS: { ALPNProtocols: string[]; requestCert: true; rejectUnauthorized: false } = {
  ALPNProtocols: [ALPN],
  requestCert: true,
  rejectUnauthorized: false,
}

/**
 * Whose key the handshake proved. Call it synchronously in the handshake listener, and destroy the socket in the same turn when
 * it throws. At that moment OpenSSL has written the dialler's certificate into a buffer in memory, and Node sends that
 * buffer only after the listener has returned: on a destroyed socket, never. So a wrong acceptor learns nothing of
 * the dialler, and a wrong dialler gets no byte after the acceptor's handshake (test/impostor.test.ts counts them).
 * @throws TransportError HANDSHAKE_FAILED, BAD_CERTIFICATE, SELF_DIALLED, WRONG_PEER
 */
export function provedPeer(socket: TLSSocket, context: TlsContext, address: Address, expect?: PeerId): PeerId {
  const where = formatAddress(address)
  if (socket.getProtocol() !== 'TLSv1.3' || socket.alpnProtocol !== ALPN || socket.isSessionReused()) {
    throw new TransportError(
      'HANDSHAKE_FAILED',
      `Expected TLSv1.3 with ALPN ${ALPN} at ${where}, but got ${socket.getProtocol()} with ${socket.alpnProtocol || 'none'}.`,
      { address },
    )
  }
  const proved = peerOf(socket, context.certificates, address)
  refuseWrongPeer(context.identity.id, proved, address, expect)
  return proved
}

function peerOf(socket: TLSSocket, certificates: KnownCertificates, address: Address): PeerId {
  const where = formatAddress(address)
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) {
    throw new TransportError('BAD_CERTIFICATE', `${where} showed no Ed25519 certificate.`, { address })
  }
  // What follows the first certificate appears here, whether it issued the first one or not.
  if (certificate.issuerCertificate !== undefined) {
    throw new TransportError('BAD_CERTIFICATE', `${where} showed a chain; peers show one certificate.`, { address })
  }
  try {
    return certificates.idOf(certificate)
  } catch (cause) {
    throw new TransportError('BAD_CERTIFICATE', `${where} showed a certificate that is no peer's.`, { cause, address })
  }
}
