import { SeededRandom } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { fakeSocket, identityOf } from '../../test/_util/doors.js'
import { handshakeOf, liveOf } from '../../test/_util/live-sessions.js'
import type { LiveSession, Pair } from './live-session.js'
import { SessionTable } from './session-table.js'

const random = new SeededRandom(1)
const via = fakeSocket()

function setUp(limit?: number) {
  const table = new SessionTable(random, limit)
  const take = (number: number, host = `10.0.0.${number}`, port = 3_485): Pair =>
    table.take(identityOf(number).id, { host, port }, via)
  const begin = (pair: Pair, fields: Partial<LiveSession> = {}): LiveSession => {
    const live = liveOf(pair, fields)
    table.addNext(live)
    return live
  }
  const use = (pair: Pair, usedAt = 0): LiveSession => {
    const live = liveOf(pair, { usedAt, confirmed: true })
    table.addCurrent(live)
    return live
  }
  const size = () => [table.sessions, table.unconfirmed, table.handshakes, table.pairs]
  return { table, take, begin, use, size }
}

describe('SessionTable', () => {
  it('has one pair for a peer at an address, and another one elsewhere', () => {
    const { take } = setUp()
    const pair = take(1)
    expect(take(1)).toBe(pair)
    expect(take(2, '10.0.0.1')).not.toBe(pair)
    expect(take(1, '10.0.0.2')).not.toBe(pair)
    expect(take(1, '10.0.0.1', 3_486)).not.toBe(pair)
  })

  it('makes what the other side used current, keeps the one before, and drops the one before that', () => {
    const { table, take, begin, size } = setUp()
    const pair = take(1)
    const [a, b, c] = [0, 1, 2].map(() => {
      const live = begin(pair)
      live.confirmed = true
      table.addCurrent(live)
      return live
    })
    expect([pair.current, pair.previous, pair.next]).toEqual([c, b, undefined])
    expect(table.session(a?.index ?? 0)).toBeUndefined()
    expect(table.begunBy(a?.initiation ?? '')).toBeUndefined()
    expect(table.begunBy(c?.initiation ?? '')).toBe(c)
    expect(size()).toEqual([2, 0, 0, 1])
  })

  it('has one session of a pair that waits for its use: a newer one takes its place', () => {
    const { table, take, begin, size } = setUp()
    const pair = take(1)
    const [first, second] = [begin(pair), begin(pair)]
    expect([table.session(first.index), table.session(second.index)]).toEqual([undefined, second])
    expect(size()).toEqual([1, 1, 0, 1])
    expect(table.awaitsUse(pair.address)).toBe(true)
    expect(table.awaitsUse({ host: '10.0.0.1', port: 1 })).toBe(false)
  })

  it('forgets a pair with its last session, unless somebody waits for it', () => {
    const { table, take, begin, use, size } = setUp()
    const pair = take(1)
    const [next, current] = [begin(pair), use(pair)]
    table.drop(next)
    expect(table.pairs).toBe(1)
    table.drop(current)
    expect(size()).toEqual([0, 0, 0, 0])
    const waiting = take(1)
    waiting.users = 1
    table.drop(use(waiting))
    expect(table.pairs).toBe(1)
    waiting.users = 0
    table.release(waiting)
    table.release(waiting)
    expect(size()).toEqual([0, 0, 0, 0])
  })

  it('forgets a pair with its handshake', () => {
    const { table, take, size } = setUp()
    const handshake = handshakeOf(take(1))
    table.addHandshake(handshake)
    table.release(handshake.pair)
    expect(size()).toEqual([0, 0, 1, 1])
    table.dropHandshake(handshake)
    expect(size()).toEqual([0, 0, 0, 0])
  })

  it('releases nothing that has taken the place of what it was given', () => {
    const { table, take } = setUp()
    const old = take(1)
    table.release(old)
    const young = take(1)
    table.release(old)
    expect(take(1)).toBe(young)
  })

  it('is full at its limit: of those that were used the one unused longest goes', () => {
    const { table, take, use } = setUp(3)
    const [old, older, young] = [use(take(1), 5), use(take(2), 3), use(take(3), 9)]
    use(take(4), 10)
    expect([old, older, young].map(({ index }) => table.session(index)?.usedAt)).toEqual([5, undefined, 9])
    expect(table.sessions).toBe(3)
    // One that takes the place of its own pair's needs no other's.
    const again = take(3)
    use(again, 11)
    use(again, 12)
    expect(table.sessions).toBe(3)
  })

  it('loses no used session to those that nobody has used, however many they are', () => {
    const { table, take, begin, use, size } = setUp(2)
    const used = [use(take(1)), use(take(2))]
    for (let n = 0; n < 2_000; n++) begin(take(3, '10.0.0.3', 10_000 + n))
    expect(used.map(({ index }) => table.session(index))).toEqual(used)
    expect(size()).toEqual([1_026, 1_024, 0, 1_026])
  })

  it('gives up the oldest of those that nobody has used', () => {
    const { table, take, begin } = setUp()
    const lives = Array.from({ length: 1_025 }, (_, n) => begin(take(3, '10.0.0.3', 10_000 + n)))
    expect(lives.filter(({ index }) => table.session(index) === undefined)).toEqual([lives[0]])
  })

  it('keeps 16 peers at one host and port: the one silent longest goes, and other addresses do not matter', () => {
    const { table, take, use } = setUp()
    const elsewhere = use(take(1))
    const lives = Array.from({ length: 18 }, (_, n) => {
      const pair = take(n + 2, '10.0.0.9')
      pair.heardAt = n === 0 ? 50 : n
      return use(pair)
    })
    const gone = lives.filter(({ index }) => table.session(index) === undefined)
    expect(gone).toEqual([lives[1], lives[2]])
    expect(table.session(elsewhere.index)).toBe(elsewhere)
    expect(table.pairs).toBe(17)
  })

  it('draws indexes that nothing here has', () => {
    const drawn = [7, 7, 7, 8]
    const few = { float: () => 0, bytes: () => Uint8Array.of(0, 0, 0, drawn.shift() ?? 9) }
    const table = new SessionTable(few)
    const pair = table.take(identityOf(1).id, { host: '10.0.0.1', port: 1 }, via)
    const index = table.freshIndex()
    table.addNext(liveOf(pair, { index }))
    expect([index, table.freshIndex()]).toEqual([7, 8])
  })

  it.each([0, 1.5, Number.NaN])('refuses a limit of %d', (limit) => {
    expect(() => new SessionTable(random, limit)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  })
})
