import { VirtualClock } from '@pc/testkit'
import type { Value } from '@pc/wire'
import { describe, expect, it } from 'vitest'
import { contactAt } from '../test/_util/contacts.js'
import { Calls, type RpcOptions } from './calls.js'
import type { Contact } from './contact.js'
import { readFindNodeReply } from './messages.js'
import { RoutingTable } from './routing-table.js'

const PEER = contactAt('1')
const PING = { type: 'ping' } as const

function setUp(limits = {}) {
  const clock = new VirtualClock()
  const table = RoutingTable.create({ own: contactAt('0').position, now: 0, limits })
  const asked: { to: Contact; options: RpcOptions; settle: (value?: Value) => void }[] = []
  const arrived: string[] = []
  const calls = new Calls({
    clock,
    table,
    onArrival: ({ key }) => arrived.push(key),
    rpc: (to, _, options) =>
      new Promise((resolve, reject) => {
        const settle = (value?: Value): void => (value === undefined ? reject(new Error('none')) : resolve(value))
        asked.push({ to, options, settle })
      }),
  })
  return { clock, table, calls, asked, arrived }
}

describe('a request', () => {
  it('that is answered proves a contact, and measures it', async () => {
    const { clock, table, calls, asked, arrived } = setUp()
    const answer = calls.ask(PEER, PING, () => 'read')
    expect([table.size, asked[0]?.options]).toEqual([0, { timeoutMs: 175 }])
    await clock.advance(80)
    asked[0]?.settle([])
    expect(await answer).toBe('read')
    expect([table.size, arrived, calls.timeoutOf(PEER), calls.sent]).toEqual([1, [PEER.key], 240, 1])
    void calls.ping(PEER)
    expect(asked[1]?.options).toEqual({ timeoutMs: 7 * 240 })
  })

  it('that is not answered counts against a contact, and proves nobody', async () => {
    const { table, calls, asked } = setUp()
    calls.prove(PEER)
    const answer = calls.ping(PEER)
    asked[0]?.settle()
    expect(await answer).toBe(false)
    expect(table.buckets()[0]?.contacts[0]?.state).toBe('questionable')
    const other = calls.ping(contactAt('11'))
    asked[1]?.settle()
    await other
    expect(table.size).toBe(1)
  })

  it('whose answer cannot be read rejects with BAD_MESSAGE', async () => {
    const { calls, asked } = setUp()
    const answer = calls.ask(PEER, { type: 'find-node', target: PEER.position }, readFindNodeReply)
    asked[0]?.settle(['x'])
    await expect(answer).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
  })

  it('after the end is none, and one under way changes the table no more when it fails', async () => {
    const { table, calls, asked } = setUp()
    calls.prove(PEER)
    const answer = calls.ping(PEER)
    calls.close()
    asked[0]?.settle()
    await answer
    expect(table.buckets()[0]?.contacts[0]?.state).toBe('verified')
    calls.prove(contactAt('11'))
    await expect(calls.ask(PEER, PING, () => true)).rejects.toMatchObject({ code: 'CLOSED' })
    expect([table.size, asked.length]).toEqual([1, 1])
  })
})

describe('a newcomer to a full bucket has its oldest contact asked', () => {
  it('and gets the place of one that fails twice', async () => {
    const { clock, table, calls, asked } = setUp({ bucketSize: 1 })
    calls.prove(contactAt('01'))
    calls.prove(PEER)
    const newcomer = contactAt('11')
    calls.prove(newcomer)
    expect(asked).toEqual([])
    await clock.advance(10_000)
    for (const round of [0, 1]) {
      calls.prove(newcomer)
      expect(asked[round]?.to).toBe(PEER)
      asked[round]?.settle()
      await clock.advance(0)
    }
    expect([table.get(PEER.key), table.get(newcomer.key)]).toEqual([undefined, newcomer])
  })

  it('and the place of one that fails once after a long silence, but not if nobody else was heard of meanwhile', async () => {
    const { clock, table, calls, asked } = setUp({ bucketSize: 1 })
    const newcomer = contactAt('11')
    calls.prove(PEER)
    calls.prove(newcomer)
    await clock.advance(60_000)
    void calls.ping(PEER)
    asked[0]?.settle()
    await clock.advance(0)
    calls.prove(newcomer)
    // This machine may have been cut off when it failed: it is asked again.
    expect([asked[1]?.to, table.get(newcomer.key)]).toEqual([PEER, undefined])
    await clock.advance(0)
    const other = setUp({ bucketSize: 1 })
    other.calls.prove(PEER)
    await other.clock.advance(60_000)
    other.calls.prove(newcomer)
    other.asked[0]?.settle()
    await other.clock.advance(0)
    other.calls.prove(newcomer)
    expect([other.asked.length, other.table.get(PEER.key), other.table.get(newcomer.key)]).toEqual([
      1,
      undefined,
      newcomer,
    ])
  })
})
