import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BandwidthLimits, FairShare } from './fair-share.js'

/**
 * Members that always have something to send, in pieces of their own size, for so many ms.
 * @returns bytes by member
 */
function greedy(limits: BandwidthLimits, pieces: Record<string, number>, forMs: number): Map<string, number> {
  const shares = new FairShare<string>(limits, 0)
  const sent = new Map(Object.keys(pieces).map((name) => [name, 0]))
  const peerOf = (name: string): string => name[0] as string
  for (const name of sent.keys()) shares.join(peerOf(name), 0)
  const send = (name: string, now: number): void => {
    const bytes = pieces[name] as number
    shares.spend(peerOf(name), bytes, now)
    sent.set(name, (sent.get(name) ?? 0) + bytes)
  }
  const want = (name: string, now: number): void => {
    while (shares.ask(peerOf(name), name, now)) send(name, now)
  }
  for (const name of sent.keys()) want(name, 0)
  for (let now = 0; now < forMs; ) {
    const next = shares.next(now)
    if (next === undefined) throw new Error('nobody waits, though everybody has something to send')
    if ('inMs' in next) {
      now += next.inMs
      continue
    }
    send(next.member, now)
    want(next.member, now)
  }
  return sent
}

const sum = (sent: Map<string, number>): number => [...sent.values()].reduce((all, one) => all + one, 0)

test('the total is kept, and shared equally however large the pieces', () => {
  const sent = greedy({ total: 1_000_000 }, { a: 1_000, b: 64_000, c: 10_000 }, 20_000)
  expect(sum(sent) / 20).toBeGreaterThan(990_000)
  expect(sum(sent) / 20).toBeLessThan(1_020_000)
  for (const bytes of sent.values()) expect(bytes / sum(sent)).toBeCloseTo(1 / 3, 1)
})

test('a peer with many connections has no more than one with a single one', () => {
  const sent = greedy({ total: 1_000_000 }, { a1: 10_000, a2: 10_000, a3: 10_000, a4: 10_000, b1: 10_000 }, 20_000)
  expect((sent.get('b1') ?? 0) / sum(sent)).toBeCloseTo(0.5, 1)
})

test('each peer is kept to its own limit, and the others use what it leaves', () => {
  const sent = greedy({ total: 1_000_000, perPeer: 600_000 }, { a: 10_000, b: 10_000 }, 10_000)
  for (const bytes of sent.values()) expect(bytes / 10 / 500_000).toBeCloseTo(1, 1)
  const alone = greedy({ total: 1_000_000, perPeer: 600_000 }, { a: 10_000 }, 10_000)
  expect(sum(alone) / 10 / 600_000).toBeCloseTo(1, 1)
})

test('who was quiet cannot catch up on what it did not ask for', () => {
  const shares = new FairShare<string>({ total: 1_000_000 }, 0)
  shares.join('a', 0)
  shares.join('b', 0)
  // a sends alone for a long time …
  let now = 0
  for (let count = 0; count < 100; count += 1) {
    while (!shares.ask('a', 'a', now)) {
      const next = shares.next(now)
      if (next !== undefined && 'inMs' in next) now += next.inMs
      else break
    }
    shares.spend('a', 100_000, now)
  }
  // … then both: b is not served a hundred times in a row.
  const order: string[] = []
  for (const name of ['a', 'b']) shares.ask(name, name, now)
  while (order.length < 20) {
    const next = shares.next(now)
    if (next === undefined) break
    if ('inMs' in next) {
      now += next.inMs
      continue
    }
    order.push(next.member)
    shares.spend(next.member, 100_000, now)
    shares.ask(next.member, next.member, now)
  }
  expect(order.slice(0, 20).filter((name) => name === 'a').length).toBeGreaterThanOrEqual(9)
})

test('what a peer sends without asking takes nothing from its share, and holds up nobody for longer than a burst', () => {
  const shares = new FairShare<string>({ total: 1_000_000 }, 0)
  for (const peer of ['a', 'b']) shares.join(peer, 0)
  shares.charge('a', 100_000_000, 0)
  expect(shares.ask('b', 'b', 0)).toBe(false)
  expect(shares.next(0)).toEqual({ inMs: 100 })
  let now = 101
  const sent = { a: 0, b: 0 }
  const send = (peer: 'a' | 'b'): void => {
    sent[peer] += 50_000
    shares.spend(peer, 50_000, now)
    if (shares.ask(peer, peer, now)) send(peer)
  }
  if (shares.ask('a', 'a', now)) send('a')
  while (sent.a + sent.b < 5_000_000) {
    const next = shares.next(now)
    if (next === undefined) throw new Error('both wait all the time')
    if ('inMs' in next) {
      now += next.inMs
      continue
    }
    send(next.member as 'a' | 'b')
  }
  expect(Math.abs(sent.a - sent.b)).toBeLessThanOrEqual(50_000)
})

test('who may send is not held up by one that waits for its own limit', () => {
  const shares = new FairShare<string>({ perPeer: 100_000 }, 0)
  for (const peer of ['greedy', 'modest']) shares.join(peer, 0)
  shares.spend('greedy', 1_000_000, 0)
  expect(shares.ask('greedy', 'greedy', 0)).toBe(false)
  expect(shares.ask('modest', 'modest', 0)).toBe(true)
})

test('who leaves waits no more', () => {
  const shares = new FairShare<string>({ total: 1_000 }, 0)
  shares.join('a', 0)
  shares.spend('a', 10_000, 0)
  expect(shares.ask('a', 'one', 0)).toBe(false)
  expect(shares.next(0)).toEqual({ inMs: 9_900 })
  shares.leave('a', 'one')
  expect(shares.next(0)).toBeUndefined()
  shares.leave('a', 'one')
  expect(shares.ask('b', 'never joined', 0)).toBe(true)
})

test('whatever the limits and the pieces: never more than the limit and one piece of each', () => {
  const piece = fc.integer({ min: 1_000, max: 100_000 })
  const rate = fc.integer({ min: 10_000, max: 1_000_000 })
  fc.assert(
    fc.property(rate, rate, piece, piece, piece, (total, perPeer, a, b, c) => {
      const seconds = 5
      const sent = greedy({ total, perPeer }, { a1: a, a2: b, b1: c }, seconds * 1_000)
      const slack = a + b + c
      expect(sum(sent)).toBeLessThanOrEqual(total * (seconds + 0.2) + slack)
      const ofA = (sent.get('a1') ?? 0) + (sent.get('a2') ?? 0)
      expect(ofA).toBeLessThanOrEqual(perPeer * (seconds + 0.2) + slack)
      expect(sum(sent)).toBeGreaterThanOrEqual(Math.min(total, 2 * perPeer) * (seconds - 0.1) - slack)
    }),
  )
})
