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
const asked = (wants: Wants, now: number): string[] => [...wants.due(now).keys()].map(({ key }) => key)

it('asks one announcer at a time, around and around, sixteen times in all', () => {
  const wants = new Wants(10)
  expect(wants.announced('a', live('p'), 0)).toBe(true)
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
  ask(wants, 'b', 'p', 100)
  ask(wants, 'b', 'q', 101)
  // RFC 6298: 40 + 4 · 20.
  expect(asked(wants, 219)).toEqual([])
  expect(asked(wants, 220)).toEqual(['q'])
  // Who of the two gave it cannot be known: nothing is learnt of that.
  wants.came('b', 'q', 221)
  ask(wants, 'c', 'p', 300)
  ask(wants, 'c', 'q', 301)
  expect([asked(wants, 419), asked(wants, 420)]).toEqual([[], ['q']])
})
