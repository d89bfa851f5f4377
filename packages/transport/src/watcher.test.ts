import { VirtualClock } from '@pc/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Watcher } from './watcher.js'

const AFTER_MS = 1_000

function watcher() {
  const clock = new VirtualClock()
  const told: [item: string, at: number][] = []
  const started = clock.now()
  const subject = new Watcher<string>({
    afterMs: AFTER_MS,
    clock,
    onIdle: (item) => told.push([item, clock.now() - started]),
  })
  return { clock, told, subject }
}

test('tells of each item once, when it was unused for so long', async () => {
  const { clock, told, subject } = watcher()
  subject.add('a')
  await clock.advance(400)
  subject.add('b')
  expect([subject.size, subject.longest]).toEqual([2, 'a'])
  await clock.advance(5_000)
  expect(told).toEqual([
    ['a', 1_000],
    ['b', 1_400],
  ])
  expect([subject.size, subject.longest, clock.pending]).toEqual([0, undefined, 0])
})

test('an item that is used, or comes anew, starts again', async () => {
  const { clock, told, subject } = watcher()
  subject.add('a')
  subject.add('b')
  await clock.advance(900)
  expect([subject.delete('a'), subject.delete('a')]).toEqual([true, false])
  subject.add('b')
  expect(subject.longest).toBe('b')
  await clock.advance(999)
  expect(told).toEqual([])
  await clock.advance(1)
  expect(told).toEqual([['b', 1_900]])
})

test('without items it holds no timer', () => {
  const { clock, subject } = watcher()
  subject.add('a')
  subject.delete('a')
  expect(clock.pending).toBe(0)
  subject.add('a')
  subject.clear()
  expect([clock.pending, subject.size]).toEqual([0, 0])
})

test('whoever is told may add and delete', async () => {
  const clock = new VirtualClock()
  const told: string[] = []
  const subject: Watcher<string> = new Watcher<string>({
    afterMs: AFTER_MS,
    clock,
    onIdle: (item) => {
      told.push(item)
      subject.delete('b')
      if (told.length < 3) subject.add('again')
    },
  })
  subject.add('a')
  subject.add('b')
  await clock.advance(10_000)
  expect(told).toEqual(['a', 'again', 'again'])
  expect(clock.pending).toBe(0)
})

test('whatever is added and deleted when: each is told once, exactly so long after its last use', async () => {
  const step = fc.record({
    item: fc.constantFrom('a', 'b', 'c'),
    used: fc.boolean(),
    waitMs: fc.integer({ min: 0, max: 1_500 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { clock, told, subject } = watcher()
      const expected: [string, number][] = []
      const since = new Map<string, number>()
      let at = 0
      const pass = (until: number): void => {
        for (const [item, start] of [...since].sort((one, other) => one[1] - other[1])) {
          if (start + AFTER_MS > until) continue
          expected.push([item, start + AFTER_MS])
          since.delete(item)
        }
      }
      for (const { item, used, waitMs } of steps) {
        if (used) {
          subject.delete(item)
          since.delete(item)
        } else {
          subject.add(item)
          since.delete(item)
          since.set(item, at)
        }
        await clock.advance(waitMs)
        at += waitMs
        pass(at)
      }
      expect(told).toEqual(expected)
      expect(subject.size).toBe(since.size)
      subject.clear()
    }),
  )
})
