import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at } from '../test/_util/lookups.js'
import { atSameAddress, candidateOf, compareCandidate, leadingDistance } from './lookup-candidate.js'
import { compareDistance } from './position.js'

// Few different bytes, so that positions have long prefixes in common.
const position = fc
  .array(fc.constantFrom(0, 1, 0x80, 0xff), { minLength: 32, maxLength: 32 })
  .map((bytes) => Uint8Array.from(bytes))
const sharing = fc.tuple(position, position, fc.nat(32)).map(([a, b, length]) => {
  const shared = Uint8Array.from(b)
  shared.set(a.subarray(0, length))
  return [a, shared] as const
})

test('property: candidates are in the order of their distances', () => {
  fc.assert(
    fc.property(position, sharing, (target, [a, b]) => {
      const [first, second] = [a, b].map((one) => ({ ...at(1), position: one, key: one.join() }))
      if (first === undefined || second === undefined) throw new Error('two of two')
      const candidate = candidateOf(first, leadingDistance(target, a), undefined, undefined)
      const order = compareCandidate(target, candidate, second, leadingDistance(target, b))
      expect(Math.sign(order)).toBe(Math.sign(compareDistance(target, a, b)))
    }),
  )
})

test('the leading distance is the first 48 bits of the XOR as a number', () => {
  const bytes = (...first: number[]): Uint8Array => Uint8Array.from({ length: 32 }, (_, index) => first[index] ?? 9)
  expect(leadingDistance(bytes(0, 0, 0, 0, 0, 0), bytes(0xff, 1, 2, 3, 4, 5))).toBe(0xff0102030405)
  expect(leadingDistance(bytes(0x0f, 0, 0, 0, 0, 1), bytes(0xff, 0, 0, 0x80, 0, 0))).toBe(0xf00000800001)
})

test('contacts are at one address when host and port are the same', () => {
  const there = at(1, '10.0.0.1')
  expect(atSameAddress(there, at(2, '10.0.0.1'))).toBe(true)
  expect(atSameAddress(there, at(1, '10.0.0.2'))).toBe(false)
  expect(atSameAddress(there, { ...there, address: { host: '10.0.0.1', port: 1 } })).toBe(false)
})
