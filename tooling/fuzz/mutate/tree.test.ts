import { SeededRandom } from '@pc/testkit'
import { decodeValue, encodeValue, type Value } from '@pc/wire'
import { expect, test } from 'vitest'
import { decodeTree, encodeTree, integer, type Tree, text } from './tree.js'
import { mutateTree } from './tree-mutations.js'

const codeOf = (tree: Tree): unknown => {
  try {
    return decodeValue(encodeTree(tree))
  } catch (error) {
    return (error as { code?: unknown }).code
  }
}

test.each<[Value]>([
  [null],
  [[1, -1, 300, 2 ** 40, -(2 ** 40), 0.5]],
  [{ a: { b: ['ä', new Uint8Array(300)] } }],
  ['x'.repeat(70_000)],
])('an honest value passes through the tree unchanged (case %#)', (value) => {
  const bytes = encodeValue(value)
  const tree = decodeTree(bytes)
  expect(tree === undefined ? undefined : Buffer.compare(encodeTree(tree), bytes)).toBe(0)
})

test('bytes that hold no value give no tree', () => {
  for (const bytes of [[], [0x91], [0xd9, 5, 1], [0xc0, 0xc0]])
    expect(decodeTree(Uint8Array.from(bytes))).toBeUndefined()
})

test('the tree says what no honest encoder writes, and the decoder names each of it', () => {
  const nil: Tree = { kind: 'nil' }
  expect(codeOf({ kind: 'array', items: [nil], claim: 2 ** 32 - 1 })).toBe('TRUNCATED')
  expect(codeOf({ kind: 'text', bytes: Uint8Array.of(0x61), claim: 0 })).toBe('TRAILING_BYTES')
  expect(codeOf({ kind: 'text', bytes: Uint8Array.of(0xc0, 0x80) })).toBe('BAD_UTF8')
  expect(
    codeOf({
      kind: 'map',
      entries: [
        [text('a'), nil],
        [text('a'), nil],
      ],
    }),
  ).toBe('DUPLICATE_KEY')
  expect(codeOf({ kind: 'map', entries: [[text('__proto__'), nil]] })).toBe('FORBIDDEN_KEY')
  expect(codeOf({ kind: 'map', entries: [[integer(1), nil]] })).toBe('BAD_KEY')
  expect(codeOf({ kind: 'extension', type: 0x72, bytes: new Uint8Array(1) })).toBe('EXTENSION_TYPE')
  expect(codeOf({ kind: 'raw', bytes: Uint8Array.of(0xc1) })).toBe('RESERVED_BYTE')
  expect(codeOf(integer(2n ** 53n))).toBe('INTEGER_RANGE')
  for (const form of [1, 2, 3]) {
    expect(codeOf({ ...integer(5), form })).toBe(5)
    expect(codeOf({ ...text('ab'), form })).toBe('ab')
  }
})

test('mutations are a function of the seed, and reach every refusal of the decoder', () => {
  const bytes = encodeValue({ a: [1, 'text', new Uint8Array(9)], b: { c: 0.5 } })
  const seen = new Set<unknown>()
  for (let seed = 0; seed < 3_000; seed++) {
    const make = (): Uint8Array => encodeTree(mutateTree(decodeTree(bytes) ?? { kind: 'nil' }, new SeededRandom(seed)))
    const mutated = make()
    if (seed < 50) expect(Buffer.compare(make(), mutated)).toBe(0)
    try {
      decodeValue(mutated)
    } catch (error) {
      seen.add((error as { code?: unknown }).code)
    }
  }
  expect([...seen].sort()).toEqual(
    [
      ...['BAD_KEY', 'BAD_UTF8', 'DUPLICATE_KEY', 'EXTENSION_TYPE', 'FORBIDDEN_KEY', 'INTEGER_RANGE', 'RESERVED_BYTE'],
      ...['TOO_DEEP', 'TOO_MANY_ELEMENTS', 'TRAILING_BYTES', 'TRUNCATED'],
    ].sort(),
  )
})
