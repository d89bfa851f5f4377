import { createIdentity } from '@pc/identity'
import { expect, it } from 'vitest'
import type { Live } from './neighbours.js'
import { Wants } from './wants.js'

const { id } = createIdentity(new Uint8Array(32).fill(1))
const live = (key: string): Live => ({ key, peer: id, roundTripMs: 0 })
/** Announced by a peer, and asked of it. */
const ask = (wants: Wants, key: string, peer: string, now: number): void => {
  if (wants.announced(key, live(peer), now)) wants.promised([key], live(peer), now)
}
const asked = (wants: Wants, now: number): string[] =>
  [...wants.due(now)].map(([source, keys]) => {
    wants.promised(keys, source, now)
    return source.key
  })

it('asks one announcer at a time, around and around, sixteen times in all', () => {
  const wants = new Wants(10)
  expect(wants.announced('a', live('p'), 0)).toBe(true)
  wants.promised(['a'], live('p'), 0)
  for (const peer of ['q', 'r', 's', 'q']) expect(wants.announced('a', live(peer), 1)).toBe(false)
  expect(asked(wants, 7)).toEqual([])
  expect(asked(wants, 8)).toEqual(['q'])
  expect(asked(wants, 23)).toEqual([])
  expect(asked(wants, 24)).toEqual(['r'])
  for (const [turn, peer] of ['s', 'p', 'q', 'r', 's', 'p', 'q', 'r', 's', 'p', 'q', 'r', 's'].entries()) {
    expect(asked(wants, 47 + 24 * turn)).toEqual([])
    expect(asked(wants, 48 + 24 * turn)).toEqual([peer])
  }
  expect(asked(wants, 48 + 24 * 13)).toEqual([])
  expect(wants.size).toBe(0)
})

it('forgets what came, and knows whether it was asked for', () => {
  const wants = new Wants(10)
  ask(wants, 'a', 'p', 0)
  expect(wants.came('a', 'q', 1)).toBe(false)
  expect(wants.size).toBe(1)
  wants.end('a')
  expect(wants.size).toBe(0)
  expect(wants.came('a', 'p', 1)).toBe(true)
  expect(wants.came('a', 'p', 1)).toBe(false)
})

it('a promise is broken after 3 s, once', () => {
  const wants = new Wants(10)
  ask(wants, 'a', 'p', 0)
  ask(wants, 'b', 'p', 0)
  ask(wants, 'c', 'q', 10)
  wants.came('c', 'q', 10)
  expect([...wants.broken(2_999)]).toEqual([])
  expect([...wants.broken(3_010)]).toEqual(['p'])
  expect([...wants.broken(9_000)]).toEqual([])
})

it('wants no more than its limit', () => {
  const wants = new Wants(1)
  ask(wants, 'a', 'p', 0)
  expect(wants.announced('b', live('p'), 0)).toBe(false)
  expect(wants.size).toBe(1)
})

it('waits for the next announcer as long as others took to give, if asked once', () => {
  const wants = new Wants(10)
  ask(wants, 'a', 'p', 0)
  wants.came('a', 'p', 40)
  wants.end('a')
  ask(wants, 'b', 'p', 100)
  ask(wants, 'b', 'q', 101)
  // RFC 6298: 40 + 4 · 20.
  expect(asked(wants, 219)).toEqual([])
  expect(asked(wants, 220)).toEqual(['q'])
  // Who of the two gave it cannot be known: nothing is learnt of that.
  wants.came('b', 'q', 221)
  wants.end('b')
  ask(wants, 'c', 'p', 300)
  ask(wants, 'c', 'q', 301)
  expect([asked(wants, 419), asked(wants, 420)]).toEqual([[], ['q']])
})

it('asks one alone five times, of which it gives three, and counts what was asked indeed', () => {
  const wants = new Wants(10)
  ask(wants, 'a', 'p', 0)
  const turns = (count: number, from: number): number =>
    Array.from({ length: count }, (_, turn) => asked(wants, from + 24 * turn).length).reduce((sum, one) => sum + one, 0)
  expect(turns(10, 24)).toBe(4)
  expect(wants.size).toBe(0)
  // The rate of that peer is used up: nothing is asked, and no try is lost.
  expect(wants.announced('b', live('p'), 1_000)).toBe(true)
  for (let turn = 1; turn <= 20; turn++) expect([...wants.due(1_000 + 24 * turn).values()]).toEqual([['b']])
  expect(turns(10, 2_000)).toBe(5)
})

it('asks who announced it last before anybody for a second time', () => {
  const wants = new Wants(10)
  ask(wants, 'a', 'p', 0)
  expect(asked(wants, 100)).toEqual(['p'])
  ask(wants, 'a', 'q', 101)
  expect([asked(wants, 200), asked(wants, 300)]).toEqual([['q'], ['p']])
})

it('is not filled by one announcer', () => {
  const wants = new Wants(4_096)
  for (let number = 0; number < 5_000; number++) wants.announced(`made up ${number}`, live('liar'), 0)
  expect(wants.size).toBe(512)
  expect(wants.announced('a', live('p'), 0)).toBe(true)
  wants.end('made up 3')
  expect(wants.announced('made up again', live('liar'), 0)).toBe(true)
  expect(wants.announced('made up once more', live('liar'), 0)).toBe(false)
})
