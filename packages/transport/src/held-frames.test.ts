import { expect, test } from 'vitest'
import { HeldFrames } from './held-frames.js'

const message = (id: number) => ({ header: 'test', id, version: 1, body: null, peerId: null })

test('frames are held for each connection apart, and taken once, in order', () => {
  const held = new HeldFrames()
  const meter = { bytes: 0 }
  for (const [link, id] of [
    [1, 10],
    [2, 20],
    [1, 11],
  ] as const)
    held.add(link, meter, message(id))
  expect(held.take(1).map(({ id }) => id)).toEqual([10, 11])
  expect([held.take(1), held.empty]).toEqual([[], false])
  expect(held.take(2)).toHaveLength(1)
  expect(held.empty).toBe(true)
})

test('bytes count from the first held frame of each connection, however much came over the others before', () => {
  const held = new HeldFrames()
  const [old, young] = [{ bytes: 5_000_000 }, { bytes: 0 }]
  held.add(1, old, message(1))
  held.add(2, young, message(2))
  expect(held.bytes).toBe(0)
  old.bytes += 100
  young.bytes += 1_000
  held.add(2, young, message(3))
  expect(held.bytes).toBe(1_100)
  held.take(1)
  expect(held.bytes).toBe(1_000)
})
