import { type Contact, contactOf, KademliaError } from '@pc/kademlia'
import { VirtualClock } from '@pc/testkit'
import { silentLogger } from '@pc/transport'
import { describe, expect, it } from 'vitest'
import { DhtJoiner } from './dht-joiner.js'

const contact = (number: number, host = `10.0.0.${number}`): Contact =>
  contactOf(new Uint8Array(32).fill(number), { host, port: 3_485 })

/** A directory whose `there` answer; says what was asked of it. */
function setUp(known: readonly (readonly Contact[])[] = []) {
  const clock = new VirtualClock()
  const there = new Set<string>()
  const met = new Set<string>()
  const did: string[] = []
  const joiner = new DhtJoiner({
    clock,
    logger: silentLogger,
    known: () => known,
    kademlia: {
      status: () => ({
        contacts: met.size,
        doubtedAfterMs: 10_000,
        records: 0,
        recordBytes: 0,
        listed: 0,
        published: 0,
        lookups: 0,
        requestsSent: 0,
      }),
      meet: (hints) => {
        const hosts = [...hints].map(({ address }) => address.host)
        did.push(`meet ${hosts.join()}`)
        for (const host of hosts) if (there.has(host)) met.add(host)
        return Promise.resolve(hosts.filter((host) => there.has(host)).length)
      },
      join: () => {
        did.push('join')
        if (met.size === 0) return Promise.reject(new KademliaError('NO_CONTACTS', 'nobody'))
        return Promise.resolve({ contacts: met.size })
      },
      announce: () => {
        did.push(`announce to ${met.size}`)
        return Promise.resolve(met.size)
      },
    },
  })
  return { clock, there, met, did, joiner }
}

describe('DhtJoiner', () => {
  it('joins with the first that answers, at whichever address, and then only meets', async () => {
    const { clock, there, did, joiner } = setUp()
    there.add('10.9.9.9').add('10.0.0.2')
    joiner.start()
    joiner.offer([contact(1), contact(1, '10.9.9.9'), contact(1, '10.9.9.8')])
    await clock.advance(0)
    expect(did).toEqual(['meet 10.0.0.1', 'meet 10.9.9.9', 'join'])
    joiner.offer([contact(2)])
    await clock.advance(0)
    expect(did.slice(3)).toEqual(['meet 10.0.0.2'])
    joiner.close()
  })

  it('puts itself on its list again when the network has grown, and not otherwise', async () => {
    const { clock, there, met, did, joiner } = setUp()
    there.add('10.0.0.1').add('10.0.0.2')
    joiner.start()
    joiner.offer([contact(1)])
    await clock.advance(60_000)
    expect(did).toEqual(['meet 10.0.0.1', 'join'])
    joiner.offer([contact(2)])
    await clock.advance(1_000)
    expect(did.slice(2)).toEqual(['meet 10.0.0.2', 'announce to 2'])
    for (let number = 3; number <= 50; number++) met.add(`10.0.0.${number}`)
    await clock.advance(15_000)
    for (let number = 51; number <= 70; number++) met.add(`10.0.0.${number}`)
    await clock.advance(15_000)
    met.add('10.0.0.71').add('10.0.0.72').add('10.0.0.73').add('10.0.0.74').add('10.0.0.75').add('10.0.0.76')
    await clock.advance(15_000)
    expect(did.slice(4)).toEqual(['announce to 50', 'announce to 76'])
    joiner.close()
  })

  it('asks everybody known again while nobody is a contact, and joins again then', async () => {
    const { clock, there, met, did, joiner } = setUp([[contact(1)]])
    joiner.start()
    await clock.advance(15_000)
    expect(did).toEqual(['meet 10.0.0.1', 'meet 10.0.0.1'])
    there.add('10.0.0.1')
    await clock.advance(15_000)
    expect(did.slice(2)).toEqual(['meet 10.0.0.1', 'join'])
    met.clear()
    await clock.advance(15_000)
    expect(did.slice(4)).toEqual(['meet 10.0.0.1', 'join'])
    joiner.close()
    joiner.offer([contact(2)])
    await clock.advance(60_000)
    expect(did).toHaveLength(6)
  })

  it('joins soon after somebody else has asked first', async () => {
    const { clock, met, did, joiner } = setUp()
    joiner.start()
    met.add('10.0.0.1')
    joiner.heard()
    joiner.heard()
    await clock.advance(1_000)
    expect(did).toEqual(['join'])
    joiner.heard()
    joiner.close()
    await clock.advance(60_000)
    expect(did).toEqual(['join'])
  })
})
