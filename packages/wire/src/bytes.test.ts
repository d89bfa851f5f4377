import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bytesOfKey, keyOfBytes, MAX_U48, putU48, u48, viewOf } from './bytes.js'

it('makes of bytes a key that tells them apart, and bytes of it again', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      expect(bytesOfKey(keyOfBytes(a))).toEqual(a)
      expect(keyOfBytes(a) === keyOfBytes(b)).toBe(Buffer.compare(a, b) === 0)
    }),
  )
  const part = Uint8Array.of(1, 2, 3, 4).subarray(1, 3)
  expect(bytesOfKey(keyOfBytes(part))).toEqual(Uint8Array.of(2, 3))
})

it('writes numbers of 48 bits, the most significant byte first', () => {
  const bytes = new Uint8Array(10)
  putU48(viewOf(bytes.subarray(1)), 2, 0x0102030405ff)
  expect([...bytes]).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 255, 0])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: MAX_U48 }), (value) => {
      putU48(viewOf(bytes), 0, value)
      expect(u48(viewOf(bytes), 0)).toBe(value)
    }),
  )
})
