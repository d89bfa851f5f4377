import { expect, it } from 'vitest'
import { lackedBy, Origins } from './origins.js'
import type { Rumor } from './rumor.js'

const of = (origin: number, boot: number, sequence: number) => ({
  origin: new Uint8Array(32).fill(origin),
  boot,
  sequence,
})

it('takes each sequence of a run once', () => {
  const origins = new Origins(10)
  expect(origins.isNew(of(1, 1, 5))).toBe(true)
  origins.add(of(1, 1, 5), 0)
  expect(origins.isNew(of(1, 1, 5))).toBe(false)
  expect(origins.isNew(of(1, 1, 4))).toBe(true)
  expect(origins.isNew(of(1, 2, 5))).toBe(true)
  expect(origins.isNew(of(2, 1, 5))).toBe(true)
})

it('refuses runs that are older than the four it remembers: they cannot be played against each other', () => {
  const origins = new Origins(10)
  for (const boot of [1, 2, 3, 4, 5]) origins.add(of(1, boot, 1), 0)
  expect(origins.isNew(of(1, 1, 1))).toBe(false)
  expect(origins.isNew(of(1, 1, 99))).toBe(false)
  expect(origins.isNew(of(1, 2, 2))).toBe(true)
  expect(origins.isNew(of(1, 6, 1))).toBe(true)
})

it('forgets whoever published longest ago when it is full', () => {
  const origins = new Origins(2)
  origins.add(of(1, 1, 1), 0)
  origins.add(of(2, 1, 1), 0)
  origins.add(of(1, 1, 2), 0)
  origins.add(of(3, 1, 1), 0)
  expect(origins.size).toBe(2)
  expect(origins.isNew(of(1, 1, 1))).toBe(false)
  expect(origins.isNew(of(2, 1, 1))).toBe(true)
})

it('has vectors of the latest, the latest first, as many as fit', () => {
  const origins = new Origins(10)
  origins.add(of(1, 1, 1), 0)
  origins.add(of(2, 1, 1), 500)
  origins.add(of(3, 1, 1), 900)
  expect(origins.vector(1_000, 600, 10_000).map(({ origin }) => origin[0])).toEqual([3, 2])
  expect(origins.vector(1_000, 600, 50).map(({ origin }) => origin[0])).toEqual([3])
})

it('says what somebody lacks: the end, and every hole', () => {
  const theirs = new Origins(10)
  for (const sequence of [1, 2, 100]) theirs.add(of(1, 1, sequence), 0)
  const lacks = lackedBy(theirs.vector(0, 1_000, 10_000))
  const answers = [1, 2, 3, 99, 100, 101].map((sequence) => lacks(of(1, 1, sequence) as Rumor))
  expect(answers).toEqual([false, false, true, true, false, true])
  expect(lacks(of(2, 1, 1) as Rumor)).toBe(true)
  expect(lacks(of(1, 2, 1) as Rumor)).toBe(true)
})
