import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { codeOf } from '../test/_util/vectors.js'
import { createIdentity, verifySignature } from './identity.js'

const anna = createIdentity(new Uint8Array(32).fill(1))
const bytes = Uint8Array.of(1, 2, 3)

test('without a seed every identity is a new one', () => {
  expect(createIdentity().id.equals(createIdentity().id)).toBe(false)
})

test('a seed of another length is refused', () => {
  for (const length of [0, 31, 33]) expect(codeOf(() => createIdentity(new Uint8Array(length)))).toBe('BAD_ARGUMENT')
})

test('a signature holds for its domain, its bytes and its peer only', () => {
  const signature = anna.sign('pc-test', bytes)
  expect(signature).toBeInstanceOf(Uint8Array)
  expect(verifySignature(anna.id, 'pc-test', bytes, signature)).toBe(true)
  expect(verifySignature(anna.id, 'pc-tes', bytes, signature)).toBe(false)
  expect(verifySignature(anna.id, 'pc-test', Uint8Array.of(1, 2), signature)).toBe(false)
  expect(verifySignature(createIdentity().id, 'pc-test', bytes, signature)).toBe(false)
})

test('every flipped bit of a signature is noticed', () => {
  const signature = anna.sign('pc-test', bytes)
  for (let bit = 0; bit < signature.length * 8; bit++) {
    const flipped = Uint8Array.from(signature)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(verifySignature(anna.id, 'pc-test', bytes, flipped), `bit ${bit}`).toBe(false)
  }
})

test('a domain outside the rules is our own mistake', () => {
  // A zero, a space or DER's 0x30 at the front could make one signed text look like another.
  for (const domain of ['', 'a\0b', 'a b', '0abc', 'Abc', 'é', 'a'.repeat(65)]) {
    expect(
      codeOf(() => anna.sign(domain, bytes)),
      domain,
    ).toBe('BAD_ARGUMENT')
    expect(
      codeOf(() => verifySignature(anna.id, domain, bytes, new Uint8Array(64))),
      domain,
    ).toBe('BAD_ARGUMENT')
  }
})

test('the secret does not show in JSON or on the console', () => {
  const secret = anna.privateKey.export({ format: 'jwk' }).d ?? ''
  expect(secret).toHaveLength(43)
  expect(JSON.stringify(anna) + inspect(anna, { depth: 9, showHidden: true })).not.toContain(secret)
})
