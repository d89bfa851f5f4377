import { afterEach, describe, expect, it } from 'vitest'
import { type Colleague, Office } from './_util/office.js'

let office: Office | undefined
afterEach(async () => {
  await office?.close()
  office = undefined
})

async function three(): Promise<{ office: Office; anna: Colleague; ben: Colleague; carla: Colleague }> {
  office = new Office(7)
  const [anna, ben, carla] = [await office.open('anna'), await office.open('ben'), await office.open('carla')]
  await office.introduce(anna, ben)
  await office.introduce(anna, carla)
  await office.introduce(ben, carla)
  await office.clock.advance(1_000)
  return { office, anna, ben, carla }
}

async function within<T>(office: Office, ms: number, work: Promise<T>): Promise<T> {
  const settled = work.catch(() => undefined)
  await office.clock.advance(ms)
  await settled
  return work
}

describe('ping', () => {
  it('goes by datagram, and over the connection when no datagram comes through', async () => {
    const { office, anna, ben } = await three()
    const quick = await within(office, 1_000, anna.membership.ping(ben.id))
    expect(quick.path).toBe('udp')
    expect(quick.roundTripMs).toBeGreaterThan(0)
    ben.datagramsBlocked = true
    const slow = await within(office, 2_000, anna.membership.ping(ben.id))
    expect(slow.path).toBe('tcp')
  })

  it('ends with NO_ANSWER, by its signal, and with close', async () => {
    const { office, anna, ben } = await three()
    office.network.powerOff(ben.host)
    const unanswered = anna.membership.ping(ben.id, { timeoutMs: 1_500 })
    await expect(within(office, 2_000, unanswered)).rejects.toMatchObject({ code: 'NO_ANSWER' })
    const reason = new Error('enough')
    const stopped = anna.membership.ping(ben.id, { signal: AbortSignal.abort(reason) })
    await expect(stopped).rejects.toBe(reason)
    const cut = anna.membership.ping(ben.id)
    await anna.membership.close()
    await expect(cut).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(anna.membership.ping(ben.id)).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('leave', () => {
  it('is known to others while the connections still stand, and nobody comes back by what follows', async () => {
    const { office, anna, ben, carla } = await three()
    await within(office, 1_000, ben.membership.leave())
    for (const other of [anna, carla]) {
      expect(other.events.at(-1)?.text).toBe('ben offline')
      expect(other.membership.member(ben.id)).toMatchObject({ state: 'offline', reason: 'left' })
      expect(other.connector.current(ben.id)).toBeDefined()
    }
    await office.clock.advance(20_000)
    expect(anna.membership.state(ben.id)).toBe('offline')
    for (const other of [anna, carla]) expect(other.events.map(({ text }) => text)).not.toContain('ben back')
  })
})

describe('blocked datagrams', () => {
  it('are said within 10 s, and never make a peer offline; its word goes over the connection', async () => {
    const { office, anna, ben, carla } = await three()
    ben.datagramsBlocked = true
    await office.clock.advance(10_000)
    for (const other of [anna, carla]) expect(other.membership.member(ben.id)?.udpBlocked).toBe(true)
    expect(anna.membership.member(carla.id)?.udpBlocked).toBe(false)
    await office.clock.advance(120_000)
    for (const other of [anna, carla]) {
      expect(other.events.map(({ text }) => text)).not.toContain('ben offline')
      expect(other.membership.state(ben.id)).toBe('online')
    }
    await within(office, 1_000, ben.membership.leave())
    expect(anna.events.at(-1)?.text).toBe('ben offline')
  })
})
