import { createIdentity, type PeerId } from '@pc/identity'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodePreamble, encodePreamble, PREAMBLE_BYTES } from './plain-preamble.js'

const idOf = (seed: Uint8Array): PeerId => createIdentity(seed).id
const SEED = fc.uint8Array({ minLength: 32, maxLength: 32 })

test('whoever is named comes out again', () => {
  fc.assert(
    fc.property(SEED, (seed) => {
      const id = idOf(seed)
      const bytes = encodePreamble(id)
      expect(bytes.length).toBe(PREAMBLE_BYTES)
      expect(decodePreamble(bytes)?.equals(id)).toBe(true)
    }),
    { numRuns: 20 },
  )
})

test.each([
  ['nothing', new Uint8Array()],
  ['a byte less', encodePreamble(idOf(new Uint8Array(32))).subarray(0, PREAMBLE_BYTES - 1)],
  ['a byte more', Buffer.concat([encodePreamble(idOf(new Uint8Array(32))), Uint8Array.of(0)])],
  ['another magic', encodePreamble(idOf(new Uint8Array(32))).fill(0x20, 7, 8)],
  ['a key that signatures cannot be trusted under', Buffer.concat([Buffer.from('pcplain1'), new Uint8Array(32)])],
  ['a hello of TLS', Buffer.alloc(PREAMBLE_BYTES, Uint8Array.of(22, 3, 1))],
])('%s is none', (_, bytes) => {
  expect(decodePreamble(bytes)).toBeUndefined()
})
