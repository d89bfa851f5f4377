import { createTestLogger, SeededRandom, VirtualClock } from '@pc/testkit'
import type { CloseCode, CloseReason } from '@pc/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { Membership, type MembershipEvent, type MembershipLimits } from '../src/index.js'
import { packMessage } from '../src/messages.js'
import { StatementKind, signStatement } from '../src/statements.js'
import { FakeConnector, type There } from './_util/fake-connector.js'
import { person } from './_util/people.js'

const anna = person('anna')
const ben = person('ben')
const self = person('self')
const DAY = 24 * 3_600_000

const broken = (code: CloseCode = 'FAILED'): CloseReason => ({ code, polite: false, error: new Error('cable cut') })
const goodbye: CloseReason = { code: 'LEAVING', polite: true }

let open: Membership[] = []
afterEach(async () => {
  await Promise.all(open.map((membership) => membership.close()))
  open = []
})

function setUp(limits: MembershipLimits = {}) {
  const clock = new VirtualClock()
  const connector = new FakeConnector(clock)
  const logger = createTestLogger()
  const membership = Membership.create({
    identity: self.identity,
    transport: { send: () => {} },
    connector,
    clock,
    random: new SeededRandom(1),
    logger,
    ...limits,
  })
  open.push(membership)
  const events: string[] = []
  const at: number[] = []
  const record = (event: MembershipEvent): void => {
    events.push(`${event.record.name} ${event.type}`)
    at.push(clock.now())
  }
  const reading = (async () => {
    for await (const event of membership.events()) record(event)
  })()
  return { clock, connector, membership, logger, events, at, reading }
}

/** Ben accuses anna, whose connection stands and is silent; a dial meets what is `there`. */
async function accused(there: There) {
  const scene = setUp()
  const { clock, connector, membership } = scene
  connector.place(anna, there)
  connector.connect(anna)
  connector.silence(anna)
  await clock.advance(1)
  const accusation = signStatement(ben.identity, StatementKind.SUSPECT, anna.id, 1)
  membership.met(ben.id, ben.record)
  membership.receive(ben.id, packMessage({ type: 'statements' }, 1, [accusation]))
  return scene
}

describe('Membership', () => {
  it('says up, with what is known about the peer', async () => {
    const { clock, connector, membership, events } = setUp()
    await clock.advance(1_000)
    const started = clock.unixNow()
    expect(membership.state(anna.id)).toBeUndefined()
    connector.connect(anna)
    await clock.advance(10)
    expect(events).toEqual(['anna up'])
    expect(membership.isOnline(anna.id)).toBe(true)
    expect(membership.members()).toEqual([
      {
        peer: anna.id,
        record: anna.record,
        state: 'online',
        since: started,
        lastSeenAt: started + 4,
        roundTripMs: 4,
        udpBlocked: false,
      },
    ])
  })

  it('believes a goodbye at once, and finds the peer again later', async () => {
    const { clock, connector, membership, events } = setUp()
    connector.connect(anna)
    connector.place(anna, 'refuses')
    connector.lose(anna, goodbye)
    await clock.advance(0)
    expect(events).toEqual(['anna up', 'anna offline'])
    expect(membership.members()).toMatchObject([{ state: 'offline', reason: 'left', detail: 'LEAVING' }])
    await clock.advance(20_000)
    expect(connector.dials).toEqual([])
    await clock.advance(20_000)
    expect(connector.dials).toHaveLength(1)
    connector.place(anna, 'answers')
    await clock.advance(80_000)
    expect(events).toEqual(['anna up', 'anna offline', 'anna back'])
    expect(membership.state(anna.id)).toBe('online')
  })

  it('does not call a peer offline whose connection broke while the peer is well', async () => {
    const { clock, connector, membership, events } = setUp()
    connector.place(anna, 'answers')
    connector.connect(anna)
    connector.lose(anna, broken())
    await clock.advance(0)
    expect(membership.state(anna.id)).toBe('checking')
    expect(membership.isOnline(anna.id)).toBe(true)
    expect(membership.members()).toMatchObject([{ reason: 'lost', detail: 'FAILED: cable cut' }])
    await clock.advance(200)
    expect(events).toEqual(['anna up', 'anna checking', 'anna up'])
    expect(membership.members()[0]).not.toHaveProperty('reason')
    // Of the check no timer is left: only the one for the next measurement.
    expect(clock.pending).toBe(1)
  })

  it('doubts nobody whose connection was closed to make room, and does not dial at once', async () => {
    const { clock, connector, membership, events } = setUp()
    connector.place(anna, 'answers')
    connector.connect(anna)
    await clock.advance(10)
    connector.lose(anna, { code: 'IDLE', polite: true })
    await clock.advance(3_000)
    expect(events).toEqual(['anna up'])
    expect(membership.state(anna.id)).toBe('online')
    expect(connector.dials).toEqual([])
  })

  it('takes a goodbye that did not come from the peer for a lost connection', async () => {
    const { clock, connector, membership } = setUp()
    connector.connect(anna)
    connector.lose(anna, { code: 'LEAVING', polite: false })
    await clock.advance(0)
    expect(membership.state(anna.id)).toBe('checking')
  })

  it('knows when it last heard of a peer, also after it is gone', async () => {
    const { clock, connector, membership } = setUp()
    connector.connect(anna)
    await clock.advance(5_000)
    connector.lastHeardAt = 4_000
    const heard = clock.unixNow() - 1_000
    expect(membership.members()).toMatchObject([{ lastSeenAt: heard }])
    connector.lose(anna, goodbye)
    await clock.advance(5_000)
    expect(membership.members()).toMatchObject([{ lastSeenAt: heard, since: heard + 1_000 }])
  })

  it('calls a crashed peer offline within 2.5 s, after two refusals', async () => {
    const { clock, connector, events, at, membership } = setUp()
    connector.place(anna, 'refuses')
    connector.connect(anna)
    connector.lose(anna, broken())
    await clock.advance(30_000 - 6_000)
    expect(events).toEqual(['anna up', 'anna checking', 'anna offline'])
    expect(at[2]).toBeLessThan(2_500)
    expect(connector.dials).toHaveLength(2)
    expect(membership.members()).toMatchObject([{ reason: 'unreachable', detail: 'nobody listens there' }])
  })

  it('does not call a peer offline because this side has no place for a dial', async () => {
    const { clock, connector, events } = setUp()
    connector.place(anna, 'busy')
    connector.connect(anna)
    connector.lose(anna, broken())
    await clock.advance(20_000)
    expect(events).toEqual(['anna up', 'anna checking'])
    connector.place(anna, 'answers')
    await clock.advance(2_000)
    expect(events).toEqual(['anna up', 'anna checking', 'anna up'])
  })

  it('does not call a peer offline that answers a dial, though the connection that stands and its datagrams are silent', async () => {
    const { clock, connector, events } = await accused('answers')
    await clock.advance(1_500)
    expect(events.slice(0, 4)).toEqual(['anna up', 'ben up', 'anna checking', 'anna up'])
    expect(connector.dials).toHaveLength(1)
  })

  it('checks an accused peer again when this side has no place for a dial', async () => {
    const { clock, connector, events } = await accused('busy')
    await clock.advance(6_000)
    expect(events).toEqual(expect.arrayContaining(['anna checking']))
    expect(events).not.toContain('anna offline')
    expect(connector.dials.length).toBeGreaterThan(2)
  })

  it('calls a silent peer offline 2.15 s after transport gave up, after one dial', async () => {
    const { clock, connector, events, at, membership } = setUp()
    connector.place(anna, 'silence')
    connector.connect(anna)
    connector.lose(anna, broken('PING_TIMEOUT'))
    await clock.advance(10_000)
    expect(events).toEqual(['anna up', 'anna checking', 'anna offline'])
    expect(at[2]).toBeLessThanOrEqual(2_150)
    expect(connector.dials).toHaveLength(1)
    expect(membership.members()[0]?.detail).toMatch(/no connection to .* within 2000 ms/)
  })

  it('is content with a connection that the other side makes during the check', async () => {
    const { clock, connector, events } = setUp()
    connector.place(anna, 'silence')
    connector.connect(anna)
    connector.lose(anna, broken())
    await clock.advance(1_000)
    connector.connect(anna)
    await clock.advance(10_000)
    expect(events).toEqual(['anna up', 'anna checking', 'anna up'])
  })

  it('checks again when the connection that the check made is lost at once', async () => {
    const { clock, connector, events } = setUp()
    connector.place(anna, 'answers')
    connector.connect(anna)
    connector.events.once('disconnected', () => {
      connector.events.once('connected', () => {
        connector.place(anna, 'refuses')
        connector.lose(anna, broken())
      })
    })
    connector.lose(anna, broken())
    await clock.advance(5_000)
    expect(events).toEqual(['anna up', 'anna checking', 'anna up', 'anna checking', 'anna offline'])
  })

  it('does not let two peers dial at the same instant', async () => {
    const starts = new Set<number>()
    for (let seed = 0; seed < 20; seed++) {
      const clock = new VirtualClock()
      const connector = new FakeConnector(clock)
      const { identity } = self
      const random = new SeededRandom(seed)
      open.push(Membership.create({ connector, identity, transport: { send: () => {} }, clock, random }))
      connector.connect(anna)
      connector.lose(anna, broken())
      await clock.advance(150)
      starts.add(connector.dials[0]?.at ?? -1)
    }
    // Of 150 ms, of which two may be the same by chance.
    expect(starts.size).toBeGreaterThan(14)
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...starts)).toBeGreaterThan(100)
  })

  it('forgets after 24 h, and has no timer left then', async () => {
    const { clock, connector, membership, events } = setUp()
    connector.connect(anna)
    connector.place(anna, 'refuses')
    connector.lose(anna, goodbye)
    await clock.advance(DAY - 1)
    expect(membership.state(anna.id)).toBe('offline')
    expect(connector.dials.length).toBeGreaterThan(120)
    expect(connector.dials.length).toBeLessThan(180)
    await clock.advance(10_000)
    expect(events).toEqual(['anna up', 'anna offline', 'anna forgotten'])
    expect(membership.members()).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('warns about a peer that finds no room, and works on', async () => {
    const { connector, membership, logger, clock } = setUp({ maxPeers: 1 })
    connector.connect(anna)
    connector.connect(ben)
    connector.lose(ben, broken())
    await clock.advance(10)
    expect(logger.messages('warn')).toHaveLength(1)
    expect(membership.members().map((member) => member.record.name)).toEqual(['anna'])
  })

  it('closes for good: no timer, no dial, no event is left, and what it knew stays readable', async () => {
    const { clock, connector, membership, events, reading } = setUp()
    connector.place(anna, 'silence')
    connector.connect(anna)
    connector.connect(ben)
    connector.lose(anna, broken())
    await clock.advance(500)
    await membership.close()
    await membership.close()
    await reading
    await clock.advance(0)
    expect(clock.pending).toBe(0)
    connector.lose(ben, goodbye)
    await clock.advance(10_000)
    expect(clock.pending).toBe(0)
    expect(connector.events.listenerCount('connected')).toBe(0)
    expect(connector.events.listenerCount('disconnected')).toBe(0)
    expect(events).toEqual(['anna up', 'ben up', 'anna checking'])
    expect(membership.members().map((member) => member.state)).toEqual(['checking', 'online'])
  })

  it('ends a subscription by its signal', async () => {
    const { membership } = setUp()
    const stop = new AbortController()
    const next = membership.events({ signal: stop.signal }).next()
    stop.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
  })
})
