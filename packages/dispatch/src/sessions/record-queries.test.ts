import { packSessionPacket, type SessionPacket } from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { fakeSocket, identityOf, OPEN, recordOf } from '../../test/_util/doors.js'
import { RecordQueries, type RecordQuery } from './record-queries.js'

const THERE = { host: '10.0.0.2', port: 3_485 }
const via = fakeSocket()
const RECORD = recordOf(identityOf(2), THERE).bytes

function setUp() {
  const queries = new RecordQueries(OPEN, new SeededRandom(1))
  const settled: unknown[] = []
  const begin = (now = 0, timeoutMs = 1_000): RecordQuery =>
    queries.begin(THERE, via, { now, timeoutMs, settle: (error, answer) => settled.push(answer?.record ?? error) })
  return { queries, settled, begin }
}

function answer(query: RecordQuery, nonce = Buffer.from(query.nonce, 'latin1')): SessionPacket & { type: 5 } {
  const sealNonce = new Uint8Array(12).fill(3)
  return { type: 5, nonce, cookie: new Uint8Array(16).fill(4), sealNonce, sealed: OPEN.sealRecord(RECORD, sealNonce) }
}

describe('RecordQueries', () => {
  it('is answered by its nonce from its address, once', () => {
    const { queries, begin } = setUp()
    const query = begin()
    const packet = answer(query)
    const bytes = packSessionPacket(OPEN, packet)
    expect(queries.awaits(bytes, THERE)).toBe(true)
    for (const from of [
      { ...THERE, port: 1 },
      { ...THERE, host: '10.0.0.3' },
    ]) {
      expect([queries.awaits(bytes, from), queries.answered(packet, from)]).toEqual([false, undefined])
    }
    expect(queries.answered(answer(query, Buffer.alloc(8)), THERE)).toBeUndefined()
    expect(queries.answered(packet, THERE)).toMatchObject({ query, answer: { cookie: packet.cookie } })
    expect(queries.answered(packet, THERE)).toBeUndefined()
    expect([queries.size, queries.wakeAt]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  it('goes on waiting after an answer that cannot be opened', () => {
    const { queries, begin } = setUp()
    const query = begin()
    const packet = answer(query)
    expect(queries.answered({ ...packet, sealed: new Uint8Array(packet.sealed.length) }, THERE)).toBeUndefined()
    expect(queries.size).toBe(1)
  })

  it('is sent again after 25, 75, 175 ms …, and settles by its deadline', () => {
    const { queries, settled, begin } = setUp()
    begin(100, 200)
    const sent: number[] = []
    while (queries.wakeAt < Number.POSITIVE_INFINITY) {
      const now = queries.wakeAt
      if (queries.timer(now).length > 0) sent.push(now)
    }
    expect(sent).toEqual([125, 175, 275])
    expect(settled).toEqual([expect.objectContaining({ code: 'REPLY_TIMEOUT' })])
    expect(queries.size).toBe(0)
  })

  it('has 256 at a time', () => {
    const { queries, begin } = setUp()
    const all = Array.from({ length: 256 }, () => begin())
    expect(() => begin()).toThrow(expect.objectContaining({ code: 'TOO_MANY_PENDING' }) as Error)
    queries.remove(all[0] as RecordQuery)
    expect(() => begin()).not.toThrow()
  })

  it('ends all with close', () => {
    const { queries, settled, begin } = setUp()
    begin()
    begin()
    queries.close('over')
    expect(settled).toEqual(['over', 'over'])
    expect([queries.size, queries.wakeAt]).toEqual([0, Number.POSITIVE_INFINITY])
  })
})
