import { expect, test } from 'vitest'
import { KeySet } from './key-set.js'

/** Adds the texts in order; what `add` said to each. */
function added(texts: readonly string[], count: number = texts.length): boolean[] {
  const bytes = Buffer.from(texts.join(''), 'latin1')
  const keys = new KeySet(bytes, count)
  let start = 0
  return texts.map((text) => {
    const from = start
    start += text.length
    return keys.add(from, start)
  })
}

test.each([1, 2, 8, 9, 10, 100, 4_096])('each of %i keys is new once', (count) => {
  const texts = Array.from({ length: count }, (_, index) => index.toString(36))
  expect(added(texts).every((fresh) => fresh)).toBe(true)
  for (const again of [0, Math.floor(count / 2), count - 1]) {
    expect(added([...texts, texts[again] ?? '']).at(-1)).toBe(false)
  }
})

test('keys that begin alike, and the empty one, are told apart', () => {
  const texts = Array.from({ length: 50 }, (_, length) => 'a'.repeat(length))
  expect(added([...texts, '', 'aa']).slice(-3)).toEqual([true, false, false])
})

test.each([0, 1, 8, 9, 10, 1_000_000])('a count of %i that is not that of the keys makes no difference', (count) => {
  const texts = Array.from({ length: 300 }, (_, index) => index.toString(36))
  expect(added([...texts, ...texts], count)).toEqual([...texts.map(() => true), ...texts.map(() => false)])
})

test('keys chosen for one hash are still told apart', () => {
  const hash = (text: string): number => {
    let value = 0x811c9dc5
    for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
    return (value ^ (value >>> 15)) & 511
  }
  const texts: string[] = []
  for (let number = 0; texts.length < 200; number++) {
    if (hash(number.toString(36)) === 7) texts.push(number.toString(36))
  }
  expect(added(texts).every((fresh) => fresh)).toBe(true)
  const twice = added([...texts, ...texts])
  expect(twice.filter((fresh) => fresh)).toHaveLength(200)
})
