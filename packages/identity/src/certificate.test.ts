import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createCertificate, peerIdOfCertificate } from './certificate.js'
import { createIdentity } from './identity.js'

const identity = createIdentity(new Uint8Array(32).fill(1))
const openssl = spawnSync('openssl', ['version']).status === 0

test('node:crypto reads it as an Ed25519 X.509 certificate with nothing personal in it', () => {
  const certificate = new X509Certificate(createCertificate(identity).cert)
  expect(certificate.subject).toBe('CN=pc-peer')
  expect(certificate.issuer).toBe('CN=pc-peer')
  expect(certificate.publicKey.equals(identity.id.publicKey)).toBe(true)
  expect(certificate.verify(identity.id.publicKey)).toBe(true)
  expect(certificate.checkPrivateKey(identity.privateKey)).toBe(true)
  expect(certificate.validFrom).toBe('Jan  1 00:00:00 1970 GMT')
  expect(certificate.validTo).toBe('Dec 31 23:59:59 9999 GMT')
  expect(certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/)
  expect(peerIdOfCertificate(certificate).equals(identity.id)).toBe(true)
})

test('it is the same every time, and another for another peer', () => {
  expect(createCertificate(identity)).toEqual(createCertificate(identity))
  expect(createCertificate(createIdentity()).cert).not.toBe(createCertificate(identity).cert)
})

test('every peer gets a valid one, whatever its key and digest begin with', () => {
  for (let index = 0; index < 100; index++) {
    const { id, ...rest } = createIdentity(new Uint8Array(32).fill(index))
    expect(peerIdOfCertificate(new X509Certificate(createCertificate({ id, ...rest }).cert)).equals(id)).toBe(true)
  }
})

test('every flipped bit is refused', () => {
  const { raw } = new X509Certificate(createCertificate(identity).cert)
  const accepted: number[] = []
  for (let bit = 0; bit < raw.length * 8; bit++) {
    const flipped = Uint8Array.from(raw)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    let certificate: X509Certificate
    try {
      certificate = new X509Certificate(flipped)
    } catch {
      continue // not even a certificate: TLS would end here
    }
    try {
      peerIdOfCertificate(certificate)
      accepted.push(bit)
    } catch (error) {
      expect(error, `bit ${bit}`).toMatchObject({ code: 'BAD_CERTIFICATE' })
    }
  }
  expect(accepted).toEqual([])
})

test.skipIf(!openssl)(
  `openssl reads and verifies it${openssl ? '' : ' (skipped: no openssl command on this machine)'}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'pc-certificate-'))
    try {
      const { cert, key } = createCertificate(identity)
      const file = join(folder, 'cert.pem')
      writeFileSync(file, cert)
      const text = execFileSync('openssl', ['x509', '-in', file, '-noout', '-text'], { encoding: 'utf8' })
      expect(text).toContain('Version: 3 (0x2)')
      expect(text).toContain('Public Key Algorithm: ED25519')
      expect(text).toMatch(/Signature Algorithm: ED25519/)
      expect(text).toMatch(/Not Before: Jan {2}1 00:00:00 1970 GMT\s+Not After : Dec 31 23:59:59 9999 GMT/)
      const verified = execFileSync('openssl', ['verify', '-check_ss_sig', '-CAfile', file, file], { encoding: 'utf8' })
      expect(verified).toContain('OK')
      const publicKey = execFileSync('openssl', ['pkey', '-pubout', '-outform', 'DER'], { input: key })
      expect(publicKey.subarray(-32)).toEqual(Buffer.from(identity.id.bytes))
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)
