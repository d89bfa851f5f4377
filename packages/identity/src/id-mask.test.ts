import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { IdentityError } from './errors.js'
import { createIdMask } from './id-mask.js'
import { createIdentity } from './identity.js'
import { PeerId } from './peer-id.js'

const key = new Uint8Array(16).fill(7)
const { id } = createIdentity(new Uint8Array(32).fill(1))

test('is the start of HMAC-SHA-256 over the domain and the id', () => {
  const hash = createHmac('sha256', key)
    .update(Buffer.concat([Buffer.from('pc-log-id'), id.bytes]))
    .digest('hex')
  expect(createIdMask({ key }).of(id)).toBe(`id-${hash.slice(0, 12)}`)
})

test('is the same for equal ids, and another one for another id or key', () => {
  const mask = createIdMask({ key })
  expect(mask.of(PeerId.parse(id.toString()))).toBe(mask.of(id))
  expect(createIdMask({ key: Uint8Array.from(key) }).of(id)).toBe(mask.of(id))
  expect(createIdMask({ key: new Uint8Array(16).fill(8) }).of(id)).not.toBe(mask.of(id))
  expect(mask.of(createIdentity(new Uint8Array(32).fill(2)).id)).not.toBe(mask.of(id))
})

test('keeps a copy of the key', () => {
  const own = Uint8Array.from(key)
  const mask = createIdMask({ key: own })
  own.fill(0)
  expect(mask.of(id)).toBe(createIdMask({ key }).of(id))
})

test.each([new Uint8Array(15), 'x'.repeat(32) as never])('refuses a key that is too short or no bytes', (bad) => {
  expect(() => createIdMask({ key: bad })).toThrow(
    expect.objectContaining({ name: IdentityError.name, code: 'BAD_ARGUMENT' }),
  )
})
