/** Certificates that no peer has, written here byte by byte because node:crypto cannot make any. */
import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { createCertificate, createIdentity, type Identity, type TlsCredentials } from '@pc/identity'

/** An identity that is the same in every run. */
export function testIdentity(number: number): Identity {
  return createIdentity(new Uint8Array(32).fill(number))
}

/** A certificate for `key`, issued as `issuer` by `issuerKey`; valid from 1970 to `until` (GeneralizedTime). */
export function forgeCertificate(
  key: { privateKey: KeyObject; publicKey: KeyObject },
  options: { subject?: string; issuer?: string; issuerKey?: KeyObject; until?: string } = {},
): TlsCredentials {
  const { subject = 'pc-peer', issuer = subject, issuerKey = key.privateKey, until = '99991231235959Z' } = options
  const rsa = issuerKey.asymmetricKeyType === 'rsa'
  const algorithm = rsa
    ? der(0x30, Buffer.from('06092a864886f70d01010b0500', 'hex')) // sha256WithRSAEncryption
    : der(0x30, Buffer.from('06032b6570', 'hex')) // Ed25519
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(7)),
    algorithm,
    nameOf(issuer),
    der(0x30, der(0x17, Buffer.from('700101000000Z')), der(0x18, Buffer.from(until))),
    nameOf(subject),
    key.publicKey.export({ format: 'der', type: 'spki' }),
  )
  const signature = sign(rsa ? 'sha256' : null, body, issuerKey)
  const certificate = der(0x30, body, algorithm, der(0x03, Buffer.of(0), signature))
  return {
    key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: new X509Certificate(certificate).toString(),
  }
}

/** What a stranger could come with instead of a peer's own certificate, each with the code it must be met with. */
export function badCredentials(): { name: string; credentials: TlsCredentials | undefined }[] {
  const ed25519 = generateKeyPairSync('ed25519')
  const authority = generateKeyPairSync('ed25519')
  const issued = forgeCertificate(ed25519, { issuer: 'ca', issuerKey: authority.privateKey })
  const above = forgeCertificate(authority, { subject: 'ca' })
  const own = createCertificate(testIdentity(90))
  const other = createCertificate(testIdentity(91))
  return [
    { name: 'no certificate', credentials: undefined },
    { name: 'an RSA certificate', credentials: forgeCertificate(generateKeyPairSync('rsa', { modulusLength: 2048 })) },
    { name: 'an expired certificate', credentials: forgeCertificate(ed25519, { until: '20200101000000Z' }) },
    { name: 'a certificate of another issuer', credentials: issued },
    { name: 'a chain of two', credentials: { key: issued.key, cert: issued.cert + above.cert } },
    { name: 'two certificates of peers', credentials: { key: own.key, cert: own.cert + other.cert } },
    { name: 'its certificate twice', credentials: { key: own.key, cert: own.cert + own.cert } },
  ]
}

/** A TLS context that accepts everything and shows `credentials`. */
export function looseContext(
  credentials: TlsCredentials | undefined,
  maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
): SecureContext {
  return createSecureContext({ ...credentials, minVersion: 'TLSv1.2', maxVersion })
}

function nameOf(commonName: string): Buffer {
  const attribute = der(0x30, Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from(commonName)))
  return der(0x30, der(0x31, attribute))
}

function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}
