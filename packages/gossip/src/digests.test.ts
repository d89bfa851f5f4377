import { createIdentity } from '@pc/identity'
import { expect, it } from 'vitest'
import { Digests } from './digests.js'
import type { Live } from './neighbours.js'

const { id } = createIdentity(new Uint8Array(32).fill(1))
const lives = (count: number): Live[] =>
  Array.from({ length: count }, (_, index) => ({ key: `p${index}`, peer: id, roundTripMs: 0 }))
const told = (due: Map<Live, string[]>): string[] => [...due.keys()].map(({ key }) => key)
const create = (): Digests => new Digests(3, () => 0.5)

it('tells three at a time, none twice, and after three rounds without interest the rest', () => {
  const digests = create()
  const neighbours = lives(16)
  expect(digests.start('a', 0, ['p0'])).toBe(20)
  digests.told('a', 'p1')
  const rounds = [20, 60, 140, 300].map((now) => told(digests.due(now, neighbours)))
  expect(rounds.map((round) => round.length)).toEqual([3, 3, 3, 5])
  const all = rounds.flat()
  expect(new Set(all).size).toBe(14)
  expect(all).not.toContain('p0')
  expect(all).not.toContain('p1')
  expect(digests.size).toBe(0)
  expect(digests.dueAt).toBe(Number.POSITIVE_INFINITY)
})

it('goes on while it draws interest, to the last round', () => {
  const digests = create()
  digests.start('a', 0, [])
  for (const now of [20, 60, 140, 300, 620, 1_260, 2_540, 5_100]) {
    expect(digests.size).toBe(1)
    digests.due(now, lives(16))
    digests.drew('a')
  }
  expect(digests.size).toBe(0)
})

it('leaves out who has it', () => {
  const digests = create()
  digests.start('a', 0, [])
  for (const peer of ['p0', 'p1', 'p2']) digests.has('a', peer)
  expect(told(digests.due(20, lives(4)))).toEqual(['p3'])
})

it('puts what is due together into one list for a neighbour', () => {
  const digests = create()
  digests.start('a', 0, [])
  digests.start('b', 1, [])
  digests.start('c', 30, [])
  expect([...digests.due(20, lives(1)).values()]).toEqual([['a', 'b']])
})

it('announces no more than its limit: the first are left to anti-entropy', () => {
  const digests = create()
  for (const key of ['a', 'b', 'c', 'd']) digests.start(key, 0, [])
  expect(digests.size).toBe(3)
  expect([...digests.due(20, lives(1)).values()]).toEqual([['b', 'c', 'd']])
})

it('waits for as long as second copies take, and no longer where somebody holds them back', () => {
  const digests = create()
  const firstOf = (key: string): number => digests.start(key, 0, [])
  expect(firstOf('a')).toBe(20)
  digests.copied('a', 5)
  expect(firstOf('b')).toBe(20)
  digests.copied('b', 1_000)
  digests.copied('b', 2_000)
  // 5 ms, then what was held back counts as the 20 that it was waited for.
  expect(firstOf('c')).toBe(20)
  for (let number = 0; number < 40; number++) {
    firstOf(`busy ${number}`)
    digests.copied(`busy ${number}`, 60)
  }
  expect(firstOf('d')).toBeGreaterThan(110)
  expect(firstOf('d')).toBeLessThanOrEqual(120)
})

it('tells few neighbours again, as what they were told may be lost, and many only once', () => {
  for (const [count, expected] of [
    [2, [2, 2, 2, 0]],
    [8, [3, 3, 2, 0]],
  ] as const) {
    const digests = create()
    digests.start('a', 0, [])
    expect([20, 60, 140, 300].map((now) => told(digests.due(now, lives(count))).length)).toEqual(expected)
  }
})

it('takes what was announced before along, to whom it was not told, where a datagram goes anyway', () => {
  const digests = create()
  digests.start('a', 0, [])
  const first = told(digests.due(20, lives(12)))
  digests.start('b', 20, first)
  digests.start('c', 35, [])
  const second = digests.due(40, lives(12))
  expect(second.size).toBe(3)
  for (const [{ key }, keys] of second) {
    expect(first).not.toContain(key)
    expect(keys).toEqual(['b', 'a'])
  }
})
