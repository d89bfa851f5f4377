import { createIdentity } from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import { keyOfBytes } from '@pc/wire'
import { expect, it } from 'vitest'
import { Neighbours } from './neighbours.js'

const random = new SeededRandom('neighbours')
const ids = Array.from({ length: 60 }, (_, index) => createIdentity(new Uint8Array(32).fill(index + 1)).id)
const filled = (size: number, count: number): Neighbours => {
  const neighbours = new Neighbours({ size, maxPeers: 50, random: () => random.float() })
  for (const id of ids.slice(0, count)) neighbours.add(id)
  return neighbours
}

it('chooses all of few, and no more than its size of many', () => {
  expect(filled(16, 5).chosen).toHaveLength(5)
  expect(filled(16, 40).chosen).toHaveLength(16)
})

it('chooses each as probably as any other, in whatever order they came', () => {
  let first = 0
  for (let run = 0; run < 400; run++) if (filled(4, 40).isNeighbour(keyOfBytes(ids[0]?.bytes as Uint8Array))) first++
  // Of 400 runs 40 are expected, with a deviation of 6.
  expect(first, random.seed).toBeGreaterThan(16)
  expect(first, random.seed).toBeLessThan(64)
})

it('replaces one at a time, and the one that goes down at once', () => {
  const neighbours = filled(16, 40)
  const before = new Set(neighbours.chosen.map(({ key }) => key))
  neighbours.rotate()
  expect(neighbours.chosen).toHaveLength(16)
  expect(neighbours.chosen.filter(({ key }) => !before.has(key))).toHaveLength(1)
  const gone = neighbours.chosen[3]?.key as string
  neighbours.remove(gone)
  expect(neighbours.isNeighbour(gone)).toBe(false)
  expect(neighbours.chosen).toHaveLength(16)
  expect(neighbours.count).toBe(39)
})

it('keeps its table right whatever goes and comes', () => {
  const neighbours = filled(8, 20)
  for (let step = 0; step < 500; step++) {
    const id = random.pick(ids)
    if (random.chance(0.5)) neighbours.add(id, step)
    else neighbours.remove(keyOfBytes(id.bytes))
    expect(neighbours.chosen).toHaveLength(Math.min(8, neighbours.count))
    for (const { key } of neighbours.chosen) expect(neighbours.get(key)?.key).toBe(key)
  }
})

it('samples distinct neighbours, without those left out', () => {
  const neighbours = filled(5, 5)
  const out = neighbours.chosen[0]?.key
  const sample = neighbours.sample(9, (key) => key === out)
  expect(new Set(sample.map(({ key }) => key)).size).toBe(4)
  expect(sample.some(({ key }) => key === out)).toBe(false)
})

it('knows no more live peers than it may', () => {
  expect(filled(16, 60).count).toBe(50)
})

it('knows who has chosen it, as long as they are heard and live, and no more than 48', () => {
  const neighbours = filled(4, 50)
  const keys = ids.map(({ bytes }) => keyOfBytes(bytes))
  const followers = (now: number): string[] => neighbours.followers(now, 1_000).map(({ key }) => key)
  const [anna = '', bert = '', carl = ''] = keys
  neighbours.heard(anna, 0)
  neighbours.heard(bert, 500)
  neighbours.heard(carl, 600)
  neighbours.heard('nobody who lives', 600)
  neighbours.remove(carl)
  expect(followers(1_000)).toEqual([anna, bert])
  expect(followers(1_001)).toEqual([bert])
  for (const key of keys) neighbours.heard(key, 2_000)
  expect(followers(2_000)).toHaveLength(48)
})
