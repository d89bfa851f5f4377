import { expect, test } from 'vitest'
import { copyValue } from './copy-value.js'

test('a copy shares nothing with its source', () => {
  const bytes = Uint8Array.of(1, 2, 3)
  const source = { list: [1, 'two', null, true], bytes, gone: undefined, inner: { x: 1 } }
  const { value } = copyValue(source)
  expect(value).toEqual({ list: [1, 'two', null, true], bytes: Uint8Array.of(1, 2, 3), inner: { x: 1 } })
  bytes[0] = 9
  source.inner.x = 9
  expect(value).toMatchObject({ bytes: Uint8Array.of(1, 2, 3), inner: { x: 1 } })
  expect(value).not.toHaveProperty('gone')
})

test('a view is copied without the buffer it looks into', () => {
  const { value, memory } = copyValue(new Uint8Array(1_000_000).subarray(0, 4))
  expect((value as Uint8Array).buffer.byteLength).toBe(4)
  expect(memory).toBeLessThan(200)
})

test('nothing is null', () => {
  expect(copyValue(undefined).value).toBeNull()
})

const circular: unknown[] = []
circular.push(circular)

test.each([
  ['a function', () => {}],
  ['a bigint', 1n],
  ['a date', { when: new Date(0) }],
  ['a map', new Map()],
  ['a circle', circular],
  ['too many elements', new Array(5_000).fill(0)],
  ['a dangerous key', JSON.parse('{"__proto__": 1}')],
])('%s is refused', (_what, payload) => {
  expect(() => copyValue(payload)).toThrow(expect.objectContaining({ code: 'BAD_PAYLOAD' }))
})

test('empty containers are charged for what they cost, not for the byte they take on the wire', () => {
  const { memory, leastBytes } = copyValue(Array.from({ length: 1_000 }, () => ({})))
  expect(memory).toBeGreaterThan(60_000)
  expect(leastBytes).toBe(1_001)
})
