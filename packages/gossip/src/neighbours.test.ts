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

it('picks all of few, and half of its size of many', () => {
  expect(filled(16, 5).picked).toHaveLength(5)
  expect(filled(16, 40).picked).toHaveLength(8)
})

it('picks each as probably as any other, in whatever order they came', () => {
  let first = 0
  for (let run = 0; run < 400; run++) if (filled(8, 40).isNeighbour(keyOfBytes(ids[0]?.bytes as Uint8Array))) first++
  // Of 400 runs 40 are expected, with a deviation of 6.
  expect(first, random.seed).toBeGreaterThan(16)
  expect(first, random.seed).toBeLessThan(64)
})

it('replaces one at a time, and the one that goes down at once', () => {
  const neighbours = filled(16, 40)
  const before = new Set(neighbours.picked.map(({ key }) => key))
  neighbours.rotate()
  expect(neighbours.picked).toHaveLength(8)
  expect(neighbours.picked.filter(({ key }) => !before.has(key))).toHaveLength(1)
  const gone = neighbours.picked[3]?.key as string
  neighbours.remove(gone)
  expect(neighbours.isNeighbour(gone)).toBe(false)
  expect(neighbours.picked).toHaveLength(8)
  expect(neighbours.count).toBe(39)
})

it('keeps its table right whatever goes and comes', () => {
  const neighbours = filled(8, 20)
  for (let step = 0; step < 500; step++) {
    const id = random.pick(ids)
    if (random.chance(0.5)) neighbours.add(id, step)
    else neighbours.remove(keyOfBytes(id.bytes))
    if (random.chance(0.5)) neighbours.heard(keyOfBytes(random.pick(ids).bytes), step)
    expect(neighbours.picked).toHaveLength(Math.min(4, neighbours.count))
    const keys = neighbours.chosen.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    for (const { key } of neighbours.chosen) expect(neighbours.get(key)?.key).toBe(key)
  }
})

it('samples distinct neighbours, without those left out', () => {
  const neighbours = filled(10, 5)
  const out = neighbours.chosen[0]?.key
  const sample = neighbours.sample(9, (key) => key === out)
  expect(new Set(sample.map(({ key }) => key)).size).toBe(4)
  expect(sample.some(({ key }) => key === out)).toBe(false)
})

it('knows no more live peers than it may', () => {
  expect(filled(16, 60).count).toBe(50)
})

it('has for neighbours those who picked it, as long as they are heard and live, and no more of them than its size', () => {
  const neighbours = filled(4, 50)
  const keys = ids.map(({ bytes }) => keyOfBytes(bytes))
  const picked = new Set(neighbours.picked.map(({ key }) => key))
  const followers = (): string[] => neighbours.chosen.map(({ key }) => key).filter((key) => !picked.has(key))
  const [anna = '', bert = '', carl = '', ...others] = keys.slice(0, 50).filter((key) => !picked.has(key))
  neighbours.heard(anna, 0)
  neighbours.heard(bert, 500)
  neighbours.heard(carl, 600)
  neighbours.heard('nobody who lives', 600)
  neighbours.remove(carl)
  expect(followers()).toEqual([anna, bert])
  neighbours.sweep(90_001)
  expect(followers()).toEqual([bert])
  for (const key of others) neighbours.heard(key, 91_000)
  expect(followers()).toEqual([bert, ...others.slice(0, 3)])
  expect(neighbours.isNeighbour(bert)).toBe(true)
})

it('says once whom it picked, and to all again when one is replaced', () => {
  const neighbours = filled(8, 40)
  const told = (): string[] => neighbours.toTell().map(({ key }) => key)
  const first = neighbours.picked.map(({ key }) => key)
  expect(new Set(told())).toEqual(new Set(first))
  expect(told()).toEqual([])
  neighbours.rotate()
  expect(new Set(told())).toEqual(new Set(neighbours.picked.map(({ key }) => key)))
})
