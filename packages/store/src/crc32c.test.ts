import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32c } from './crc32c.js'

// RFC 3720, appendix B.4; there the bytes of the checksum stand in the order of transmission.
it.each([
  ['32 bytes of zeros', new Uint8Array(32), 0x8a9136aa],
  ['32 bytes of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 bytes rising', Uint8Array.from({ length: 32 }, (_, n) => n), 0x46dd794e],
  ['32 bytes falling', Uint8Array.from({ length: 32 }, (_, n) => 31 - n), 0x113fdb5c],
  [
    'an iSCSI read command',
    Uint8Array.from(
      Buffer.from(
        '01c00000000000000000000000000000140000000000040000000014000000182800000000000000' + '0200000000000000',
        'hex',
      ),
    ),
    0xd9963a56,
  ],
  ['"123456789", the usual check value', new TextEncoder().encode('123456789'), 0xe3069283],
  ['nothing', new Uint8Array(), 0],
])('%s', (_name, bytes, checksum) => {
  expect(crc32c(bytes)).toBe(checksum)
})

it('agrees with the definition, bit by bit, for any bytes at any place in memory', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat({ max: 9 }), (bytes, offset) => {
      const memory = new Uint8Array(bytes.length + offset)
      memory.set(bytes, offset)
      expect(crc32c(memory.subarray(offset))).toBe(byDefinition(bytes))
    }),
  )
})

it('continues', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (first, second) => {
      expect(crc32c(second, crc32c(first))).toBe(crc32c(Uint8Array.from([...first, ...second])))
    }),
  )
})

function byDefinition(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}
