import { STREAM_LIMITS } from '@pc/wire'
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

// Element 16, container 64, text 2 per letter, bytes 1 each; on the wire at least 1 per element and 1 per letter or byte.
test.each<[string, unknown, number, number]>([
  ['null', null, 16, 1],
  ['nothing', undefined, 16, 1],
  ['a number', 1e300, 16, 1],
  ['a truth', false, 16, 1],
  ['a text', 'abcde', 16 + 10, 1 + 5],
  ['bytes', Uint8Array.of(1, 2, 3), 16 + 64 + 3, 1 + 3],
  ['an empty list', [], 16 + 64, 1],
  ['a list', [1, 'ab'], 16 + 64 + 16 + 16 + 4, 3 + 2],
  ['members', { abc: 1, d: null }, 16 + 64 + 6 + 16 + 2 + 16, 3 + 4],
  ['a member that is not there', { abc: undefined }, 16 + 64, 1],
])('%s costs what it takes', (_what, payload, memory, leastBytes) => {
  expect(copyValue(payload)).toMatchObject({ memory, leastBytes })
})

test('the limits are those of a frame', () => {
  const elements = (count: number) => copyValue(new Array(count).fill(0))
  expect(() => elements(STREAM_LIMITS.maxElements - 1)).not.toThrow()
  expect(() => elements(STREAM_LIMITS.maxElements)).toThrow(expect.objectContaining({ code: 'BAD_PAYLOAD' }))
  const nested = (depth: number): unknown =>
    depth === 0 ? 1 : depth % 2 ? [nested(depth - 1)] : { a: nested(depth - 1) }
  expect(copyValue(nested(STREAM_LIMITS.maxDepth)).value).toEqual(nested(STREAM_LIMITS.maxDepth))
  expect(() => copyValue(nested(STREAM_LIMITS.maxDepth + 1))).toThrow(expect.objectContaining({ code: 'BAD_PAYLOAD' }))
  // Bytes and texts are no level of their own.
  expect(() => copyValue([[new Uint8Array(1), 'x']])).not.toThrow()
})

test('an object without a prototype is plain data, and a class is told by its name', () => {
  const bare = Object.assign(Object.create(null), { a: 1 })
  expect(copyValue(bare).value).toEqual({ a: 1 })
  class Order {}
  expect(() => copyValue({ order: new Order() })).toThrow('there is a Order in it')
  expect(() => copyValue(Object.create({}))).toThrow(expect.objectContaining({ code: 'BAD_PAYLOAD' }))
  expect(() => copyValue(Object.create(Object.create(null)))).toThrow('there is a unnamed in it')
})
