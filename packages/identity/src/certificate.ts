/**
 * The TLS certificate of a peer: X.509 v3 (RFC 5280) with an Ed25519 key (RFC 8410), self-signed with the identity
 * key. Whoever completes a TLS 1.3 handshake with it has proved to hold that key, hence to be that peer; nothing else
 * in it means anything. It names nobody (subject and issuer are the same constant), and is valid from 1970 to 9999, the
 * "no expiration" of RFC 5280 §4.1.2.5, so that a wrong clock never keeps two peers apart.
 */
import { createHash, sign, X509Certificate } from 'node:crypto'
import { IdentityError } from './errors.js'
import type { Identity } from './identity.js'
import { type PeerId, provedPeerId } from './peer-id.js'

/** Both in PEM, as `tls.createSecureContext` takes them. `key` is secret. */
export interface TlsCredentials {
  readonly key: string
  readonly cert: string
}

// A certificate of the template has 228 bytes; other implementations may add extensions.
const MAX_CERTIFICATE_BYTES = 4_096
const LATEST_START = Date.UTC(2000, 0, 1)
const EARLIEST_END = Date.UTC(9999, 11, 31)

/** The certificate of an identity; the same bytes every time. */
export function createCertificate(identity: Identity): TlsCredentials {
  const { id, privateKey } = identity
  const algorithm = der(SEQUENCE, ED25519_OID)
  const body = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Uint8Array.of(2))), // counted from 0: v3
    der(INTEGER, serialNumber(id)),
    algorithm,
    PEER_NAME, // issuer
    // RFC 5280 §4.1.2.5: years to 2049 as UTCTime, later ones as GeneralizedTime.
    der(SEQUENCE, der(UTC_TIME, ascii('700101000000Z')), der(GENERALIZED_TIME, ascii('99991231235959Z'))),
    PEER_NAME, // subject
    der(SEQUENCE, algorithm, der(BIT_STRING, NO_UNUSED_BITS, id.bytes)),
  )
  const certificate = der(SEQUENCE, body, algorithm, der(BIT_STRING, NO_UNUSED_BITS, sign(null, body, privateKey)))
  return {
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: new X509Certificate(certificate).toString(),
  }
}

/**
 * The peer a certificate belongs to. `BAD_CERTIFICATE` unless it carries an acceptable Ed25519 key, is self-issued and
 * signed with that very key, came without a chain, and never expires (from 2000 or earlier to the end of 9999): no
 * clock is asked. It proves who somebody is only together with a completed TLS handshake: certificates are public.
 */
export function peerIdOfCertificate(certificate: X509Certificate): PeerId {
  const { raw, subject, issuer } = certificate
  if (raw.length > MAX_CERTIFICATE_BYTES) refuse(`${raw.length} bytes, the limit is ${MAX_CERTIFICATE_BYTES}`)
  const publicKey = keyOf(certificate)
  if (publicKey.asymmetricKeyType !== 'ed25519') refuse(`expected an Ed25519 key, got ${publicKey.asymmetricKeyType}`)
  if (subject !== issuer) refuse('issued by somebody else; peers use self-signed certificates')
  const above = certificate.issuerCertificate
  if (above !== undefined && !above.raw.equals(raw)) refuse('it came with a chain; peers send one certificate')
  if (!certificate.verify(publicKey)) refuse('the signature is not by its own key')
  // NaN fails both comparisons.
  if (!(Date.parse(certificate.validFrom) <= LATEST_START && Date.parse(certificate.validTo) >= EARLIEST_END)) {
    refuse(`valid from ${certificate.validFrom} to ${certificate.validTo}; a peer's certificate never expires`)
  }
  try {
    // Its signature was just verified under this key.
    const id = provedPeerId(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'), () => true)
    return id ?? refuse('its key is no peer id')
  } catch (cause) {
    return refuse('its key is no peer id', cause)
  }
}

function keyOf(certificate: X509Certificate): X509Certificate['publicKey'] {
  try {
    return certificate.publicKey
  } catch (cause) {
    return refuse('its key cannot be read', cause)
  }
}

/** Differs from peer to peer (some tools want issuer and serial to be unique) and tells nothing but the id. */
function serialNumber(id: PeerId): Uint8Array {
  const digest = createHash('sha256').update(id.bytes).digest().subarray(0, 16)
  // Positive, and in its shortest form whatever the digest.
  digest[0] = ((digest[0] ?? 0) & 0x3f) | 0x40
  return digest
}

function refuse(why: string, cause?: unknown): never {
  throw new IdentityError('BAD_CERTIFICATE', `bad peer certificate: ${why}`, cause === undefined ? {} : { cause })
}

/** One DER element (X.690); contents up to 65,535 bytes, far above what the template needs. */
function der(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents)
  const { length } = content
  const header =
    length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Uint8Array.from(header), content])
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'ascii')
}

const INTEGER = 0x02
const BIT_STRING = 0x03
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30
const SET = 0x31
const VERSION = 0xa0 // [0] explicit
const NO_UNUSED_BITS = Uint8Array.of(0)
const ED25519_OID = Uint8Array.of(0x06, 0x03, 0x2b, 0x65, 0x70) // 1.3.101.112
const COMMON_NAME_OID = Uint8Array.of(0x06, 0x03, 0x55, 0x04, 0x03) // 2.5.4.3
const PEER_NAME = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME_OID, der(UTF8_STRING, ascii('pc-peer')))))
