import { afterEach, describe, expect, it } from 'vitest'
import { type Colleague, Office } from './_util/office.js'

// Whoever was not heard for 5 s is probed in the next period; the probe takes a second, the check 2 s.
const DIALLER_KNOWS_WITHIN_MS = 9_200
const ACCEPTOR_KNOWS_WITHIN_MS = 9_200

let office: Office | undefined
afterEach(async () => {
  await office?.close()
  office = undefined
})

async function annaDialsBen(seed: number): Promise<{ office: Office; anna: Colleague; ben: Colleague }> {
  office = new Office(seed)
  const anna = await office.open('anna')
  const ben = await office.open('ben')
  await office.introduce(anna, ben)
  // The end comes at any moment of the keep-alive's round.
  await office.clock.advance(10_000 + office.random.float() * 10_000)
  return { office, anna, ben }
}

const texts = (colleague: Colleague): string[] => colleague.events.map((event) => event.text)

/** How long after `from` the last event came. */
function delay(colleague: Colleague, from: number): number {
  return (colleague.events.at(-1)?.at ?? Number.NaN) - from
}

describe.each([1, 2, 3, 4, 5, 6, 7, 8])('over real connections on a simulated network, seed %i', (seed) => {
  it('power-off of the accepting side: the dialler says offline after the keep-alive and a check', async () => {
    const { office, anna, ben } = await annaDialsBen(seed)
    const off = office.clock.now()
    office.network.powerOff(ben.host)
    await office.clock.advance(20_000)
    expect(texts(anna)).toEqual(['ben up', 'ben checking', 'ben offline'])
    expect(delay(anna, off)).toBeLessThanOrEqual(DIALLER_KNOWS_WITHIN_MS)
    expect(anna.membership.members()).toMatchObject([{ reason: 'unreachable' }])
  })

  it('power-off of the dialling side: the acceptor says offline after the keep-alive and a check', async () => {
    const { office, anna, ben } = await annaDialsBen(seed)
    const off = office.clock.now()
    office.network.powerOff(anna.host)
    await office.clock.advance(20_000)
    expect(texts(ben)).toEqual(['anna up', 'anna checking', 'anna offline'])
    expect(delay(ben, off)).toBeLessThanOrEqual(ACCEPTOR_KNOWS_WITHIN_MS)
  })

  it('crash: offline within 2.5 s at the other side', async () => {
    const { office, anna, ben } = await annaDialsBen(seed)
    const crash = office.clock.now()
    office.network.crash(ben.host)
    await office.clock.advance(10_000)
    expect(texts(anna)).toEqual(['ben up', 'ben checking', 'ben offline'])
    expect(delay(anna, crash)).toBeLessThanOrEqual(2_500)
  })

  it('goodbye: offline within 500 ms, without a check', async () => {
    const { office, anna, ben } = await annaDialsBen(seed)
    const start = office.clock.now()
    await ben.membership.close()
    const closing = ben.connector.close()
    await office.clock.advance(5_000)
    await closing
    expect(texts(anna)).toEqual(['ben up', 'ben offline'])
    expect(delay(anna, start)).toBeLessThanOrEqual(500)
    expect(anna.membership.members()).toMatchObject([{ reason: 'left' }])
  })

  // A probe that begins with the cut has a second, and the check behind it two: what heals in the middle of that is noticed.
  it('a cut of 2 s: nobody is called offline', async () => {
    const { office, anna, ben } = await annaDialsBen(seed)
    office.network.partition(anna.host, ben.host)
    await office.clock.advance(2_000)
    office.network.heal()
    await office.clock.advance(30_000)
    expect([...texts(anna), ...texts(ben)]).not.toContain('ben offline')
    expect([...texts(anna), ...texts(ben)]).not.toContain('anna offline')
    expect(anna.membership.state(ben.id)).toBe('online')
    expect(ben.membership.state(anna.id)).toBe('online')
  })

  it('a cut of a minute: offline at both sides, and back soon after it heals', async () => {
    const { office, anna, ben } = await annaDialsBen(seed)
    office.network.partition(anna.host, ben.host)
    await office.clock.advance(60_000)
    expect(anna.membership.state(ben.id)).toBe('offline')
    expect(ben.membership.state(anna.id)).toBe('offline')
    office.network.heal()
    await office.clock.advance(80_000)
    expect(texts(anna)).toContain('ben back')
    expect(texts(ben)).toContain('anna back')
    expect(anna.membership.state(ben.id)).toBe('online')
    expect(ben.membership.state(anna.id)).toBe('online')
  })

  it('an hour of 10 % loss: nobody is called offline, and round trips are known', async () => {
    const { office, anna, ben } = await annaDialsBen(seed)
    office.network.change({ loss: 0.1 })
    await office.clock.advance(3_600_000)
    expect(texts(anna)).not.toContain('ben offline')
    expect(texts(ben)).not.toContain('anna offline')
    expect(anna.membership.members()[0]?.roundTripMs).toBeGreaterThan(0.5)
  })
})
