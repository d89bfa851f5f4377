import { X509Certificate } from 'node:crypto'
import { createCertificate, createIdentity } from '@pc/identity'
import { expect, test } from 'vitest'
import { KnownCertificates } from './known-certificates.js'

const identity = (number: number) => createIdentity(new Uint8Array(32).fill(number))

test('one that was read before gives the same id, and another one its own', () => {
  const known = new KnownCertificates()
  const [one, other] = [identity(1), identity(2)].map((of) => new X509Certificate(createCertificate(of).cert))
  if (one === undefined || other === undefined) throw new Error('two were made')
  const id = known.idOf(one)
  expect(id.equals(identity(1).id)).toBe(true)
  expect(known.idOf(new X509Certificate(one.raw))).toBe(id)
  expect(known.idOf(other).equals(identity(2).id)).toBe(true)
})

test('a single bit makes it another one, which is checked', () => {
  const known = new KnownCertificates()
  const certificate = new X509Certificate(createCertificate(identity(1)).cert)
  known.idOf(certificate)
  const forged = Buffer.from(certificate.raw)
  // The last byte of the signature.
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  expect(() => known.idOf(new X509Certificate(forged))).toThrow(expect.objectContaining({ code: 'BAD_CERTIFICATE' }))
})
