import { expect, test } from 'vitest'
import type { StoreChange } from './backend.js'
import { checkChanges, checkCount, checkKey, checkRange } from './checks.js'
import { STORE_LIMITS } from './limits.js'

const bad = expect.objectContaining({ code: 'BAD_ARGUMENT' })
const key = Uint8Array.of(1)
const anything = (value: unknown): never => value as never

test('a key has 1 to 1024 bytes', () => {
  for (const length of [1, 1_024]) expect(() => checkKey(new Uint8Array(length))).not.toThrow()
  for (const length of [0, 1_025]) expect(() => checkKey(new Uint8Array(length))).toThrow(bad)
  for (const other of ['key', undefined, null, [1]]) expect(() => checkKey(anything(other))).toThrow(bad)
})

test.each<[string, StoreChange[], number]>([
  ['nothing', [], 0],
  ['a deletion', [{ type: 'delete', key: new Uint8Array(3) }], 3],
  ['an empty value', [{ type: 'put', key, value: new Uint8Array() }], 1],
  [
    'several',
    [
      { type: 'put', key, value: new Uint8Array(10) },
      { type: 'delete', key },
      { type: 'put', key, value: new Uint8Array(5) },
    ],
    18,
  ],
  ['the longest value', [{ type: 'put', key, value: new Uint8Array(STORE_LIMITS.valueBytes) }], 2_097_153],
])('a write of %s has its bytes of keys and values', (_what, changes, bytes) => {
  expect(checkChanges(changes)).toBe(bytes)
})

test.each<[string, unknown]>([
  ['no array', { type: 'delete', key }],
  ['no changes', [undefined]],
  ['null', [null]],
  ['another type', [{ type: 'merge', key }]],
  ['no key', [{ type: 'delete' }]],
  ['an empty key', [{ type: 'put', key: new Uint8Array(), value: key }]],
  ['no value', [{ type: 'put', key }]],
  ['a text as value', [{ type: 'put', key, value: 'x' }]],
  ['too long a value', [{ type: 'put', key, value: new Uint8Array(STORE_LIMITS.valueBytes + 1) }]],
  [
    'a wrong one behind a right one',
    [
      { type: 'delete', key },
      { type: 'put', key },
    ],
  ],
])('a write of %s is refused', (_what, changes) => {
  expect(() => checkChanges(anything(changes))).toThrow(bad)
})

test('a write has at most 16384 changes and 16 MiB', () => {
  const deletions = (count: number) => Array.from({ length: count }, (): StoreChange => ({ type: 'delete', key }))
  expect(checkChanges(deletions(16_384))).toBe(16_384)
  expect(() => checkChanges(deletions(16_385))).toThrow(bad)
  const value = new Uint8Array(2_097_151)
  const puts = Array.from({ length: 8 }, (): StoreChange => ({ type: 'put', key, value }))
  expect(checkChanges(puts)).toBe(16_777_216)
  expect(() => checkChanges([...puts, { type: 'delete', key }])).toThrow(bad)
})

test('a range has keys and a count, or none', () => {
  expect(() => checkRange({})).not.toThrow()
  expect(() => checkRange({ from: key, before: key, limit: 1 })).not.toThrow()
  const none = new Uint8Array()
  for (const range of [{ from: none }, { before: none }, { from: key, before: none }, { limit: 0 }]) {
    expect(() => checkRange(range)).toThrow(bad)
  }
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '1'])('%j is no count', (count) => {
  expect(() => checkCount('limit', anything(count))).toThrow(
    expect.objectContaining({ message: expect.stringContaining('limit') }),
  )
})

test('a count is a whole number from 1 up, or absent', () => {
  for (const count of [1, Number.MAX_SAFE_INTEGER, undefined]) expect(() => checkCount('limit', count)).not.toThrow()
})
