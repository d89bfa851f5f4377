import { expect, it } from 'vitest'
import { createMemoryBackend } from './memory-backend.js'
import { openStore } from './open-store.js'
import { prefixRange, readSequence, type SequenceOptions, sequenceKey } from './sequence.js'
import { sealValue } from './value-format.js'

const PREFIX = Uint8Array.of(0x6f, 0xff)

/** `3` an entry, `1-2` a gap, `!` a damaged one, in a log that has `present` and where the values of `damaged` are bad. */
async function walk(present: readonly number[], damaged: readonly number[], options: SequenceOptions): Promise<string> {
  const backend = createMemoryBackend()
  const entry = (number: number, good: boolean) => {
    const key = sequenceKey(PREFIX, number)
    return { type: 'put' as const, key, value: good ? sealValue(key, Uint8Array.of(number)) : Uint8Array.of(1) }
  }
  await backend.batch([
    ...present.map((number) => entry(number, true)),
    ...damaged.map((number) => entry(number, false)),
  ])
  const store = await openStore({ backend })
  // Neighbours that are no part of the log.
  await store.write([
    { type: 'put', key: PREFIX, value: new Uint8Array() },
    { type: 'put', key: Uint8Array.of(0x6f, 0xff, 1), value: new Uint8Array() },
    { type: 'put', key: Uint8Array.of(0x70, 0, 0, 0, 0, 0, 0, 0, 0, 1), value: new Uint8Array() },
  ])
  const seen: string[] = []
  for await (const item of readSequence(store, PREFIX, options)) {
    if (item.type === 'entry') {
      expect(item.value).toEqual(Uint8Array.of(item.number))
      seen.push(`${item.number}`)
    } else seen.push(item.type === 'gap' ? `${item.first}-${item.last}` : '!')
  }
  return seen.join(' ')
}

it.each([
  [[1, 2, 3], [], {}, '1 2 3'],
  [[], [], {}, ''],
  [[3, 4], [], { first: 1 }, '1-2 3 4'],
  [[3, 4], [], { first: 3 }, '3 4'],
  [[1, 4, 6], [], {}, '1 2-3 4 5-5 6'],
  [[1, 2], [], { last: 2 }, '1 2'],
  [[1, 2, 3], [], { first: 2, last: 2 }, '2'],
  [[1, 2], [], { last: 4 }, '1 2 3-4'],
  [[], [], { first: 1, last: 4 }, '1-4'],
  [[], [], { last: 4 }, '4-4'],
  [[], [], { first: 5, last: 4 }, ''],
  [[1, 3], [2], {}, '1 ! 2-2 3'],
  [[1, 2], [3], {}, '1 2 !'],
  [[1, 2], [3], { last: 3 }, '1 2 ! 3-3'],
  [[2], [1], { first: 1 }, '! 1-1 2'],
])('a log with %j, damaged %j, read with %j: %s', async (present, damaged, options, seen) => {
  expect(await walk(present, damaged, options)).toBe(seen)
})

it('orders keys as numbers', () => {
  const numbers = [0, 1, 255, 256, 2 ** 32, Number.MAX_SAFE_INTEGER]
  const keys = numbers.map((number) => Buffer.from(sequenceKey(PREFIX, number)).toString('hex'))
  expect([...keys].sort()).toEqual(keys)
  expect(keys.at(-1)).toBe('6fff001fffffffffffff')
})

it.each([-1, 0.5, 2 ** 53, Number.NaN])('refuses the number %d', (number) => {
  expect(() => sequenceKey(PREFIX, number)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
})

it.each([
  ['61', '61', '62'],
  ['61ff', '61ff', '62'],
  ['00', '00', '01'],
  ['ffff', 'ffff', undefined],
])('a prefix %s is the range from %s before %s', (prefix, from, before) => {
  const range = prefixRange(Buffer.from(prefix, 'hex'))
  expect(Buffer.from(range.from).toString('hex')).toBe(from)
  expect(range.before && Buffer.from(range.before).toString('hex')).toBe(before)
})
