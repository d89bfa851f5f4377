import { createIdentity } from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import { keyOfBytes } from '@pc/wire'
import { expect, it } from 'vitest'
import { Neighbours } from './neighbours.js'

const random = new SeededRandom('neighbours')
const ids = Array.from({ length: 60 }, (_, index) => createIdentity(new Uint8Array(32).fill(index + 1)).id)
const keysOf = (lives: readonly { key: string }[]): string[] => lives.map(({ key }) => key)
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
  for (let run = 0; run < 400; run++)
    if (keysOf(filled(8, 40).picked).includes(keyOfBytes(ids[0]?.bytes as Uint8Array))) first++
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
  expect(keysOf(neighbours.picked)).not.toContain(gone)
  expect(neighbours.picked).toHaveLength(8)
  expect(neighbours.count).toBe(39)
})

it('keeps its table right whatever goes and comes', () => {
  const neighbours = filled(8, 20)
  for (let step = 0; step < 500; step++) {
    const id = random.pick(ids)
    if (random.chance(0.5)) neighbours.add(id, step)
    else neighbours.remove(keyOfBytes(id.bytes))
    if (random.chance(0.5)) neighbours.pickedBy(keyOfBytes(random.pick(ids).bytes), step)
    expect(neighbours.picked).toHaveLength(Math.min(4, neighbours.count))
    const keys = neighbours.current.map(({ key }) => key)
    expect(new Set(keys).size).toBe(keys.length)
    for (const { key } of neighbours.current) expect(neighbours.get(key)?.key).toBe(key)
  }
})

it('samples distinct neighbours, without those left out', () => {
  const neighbours = filled(10, 5)
  const out = neighbours.current[0]?.key
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
  const followers = (): string[] => neighbours.current.map(({ key }) => key).filter((key) => !picked.has(key))
  const [anna = '', bert = '', carl = '', ...others] = keys.slice(0, 50).filter((key) => !picked.has(key))
  neighbours.pickedBy(anna, 0)
  neighbours.pickedBy(bert, 500)
  neighbours.pickedBy(carl, 600)
  neighbours.pickedBy('nobody who lives', 600)
  neighbours.remove(carl)
  expect(followers()).toEqual([anna, bert])
  neighbours.sweep(90_001)
  expect(followers()).toEqual([bert])
  for (const key of others) neighbours.pickedBy(key, 91_000)
  expect(followers()).toEqual([bert, ...others.slice(0, 3)])
})

it('tells whom it picked, at once and every 30 s', () => {
  const neighbours = filled(8, 40)
  const told = (now: number): Set<string> => new Set(keysOf(neighbours.toTell(now)))
  expect(told(0)).toEqual(new Set(keysOf(neighbours.picked)))
  expect(told(29_999).size).toBe(0)
  neighbours.rotate()
  expect(told(29_999).size).toBe(1)
  expect(told(30_000).size).toBe(3)
})

it('pushes to those it picked, and to those that picked it only where these are too few', () => {
  const neighbours = filled(6, 50)
  const picked = keysOf(neighbours.picked)
  for (const { bytes } of ids) neighbours.pickedBy(keyOfBytes(bytes), 0)
  expect(new Set(keysOf(neighbours.sample(3, () => false)))).toEqual(new Set(picked))
  const sample = keysOf(neighbours.sample(5, (key) => key === picked[0]))
  expect(sample).toHaveLength(5)
  expect(sample).toEqual(expect.arrayContaining(picked.slice(1)))
  expect(sample).not.toContain(picked[0])
})
