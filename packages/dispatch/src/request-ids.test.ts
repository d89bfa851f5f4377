import { SeededRandom } from '@pc/testkit'
import { expect, test } from 'vitest'
import { RequestIds } from './request-ids.js'

test('ids have eight bytes, are all different, and are asked for together', () => {
  const random = new SeededRandom('ids')
  const asked: number[] = []
  const ids = new RequestIds({
    float: () => random.float(),
    bytes: (length) => {
      asked.push(length)
      return random.bytes(length)
    },
  })
  const texts = Array.from({ length: 1_000 }, () => Buffer.from(ids.next()).toString('hex'))
  expect(new Set(texts).size).toBe(1_000)
  expect(texts.every((text) => text.length === 16)).toBe(true)
  expect(asked).toEqual([4_096, 4_096])
})
