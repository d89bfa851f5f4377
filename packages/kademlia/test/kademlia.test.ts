import { createIdentity } from '@pc/identity'
import { encodeValue, type Value } from '@pc/wire'
import { describe, expect, test } from 'vitest'
import { keyOf } from '../src/contact.js'
import type { LookupTrace } from '../src/lookups.js'
import { compareDistance, positionOf } from '../src/position.js'
import { plainRecord, signRecord } from '../src/value-record.js'
import { type Member, RpcNetwork } from './_util/rpc-network.js'

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

async function network(count: number, seed = `network of ${count}`): Promise<RpcNetwork> {
  const made = new RpcNetwork(seed)
  await made.grow(count)
  return made
}

async function listed(net: RpcNetwork, reader: Member): Promise<Set<string>> {
  const found = new Set<string>()
  const read = async (): Promise<void> => {
    for await (const page of reader.kademlia.directory()) for (const { name } of page) found.add(name)
  }
  await net.wait(read())
  return found
}

describe('networks of any size', () => {
  test.each([2, 3, 19, 20, 21, 22, 60])(
    'of %i: everybody finds the nearest, a value, a peer, and everybody',
    async (count) => {
      const net = await network(count)
      const [first, second] = net.members as [Member, Member]
      const last = net.members.at(-1) as Member
      const target = positionOf(bytes('somewhere'))
      const { contacts } = await net.wait(last.kademlia.lookup(target))
      const others = net.members.filter((each) => each !== last)
      others.sort((a, b) => compareDistance(target, a.contact.position, b.contact.position))
      expect(contacts.map(({ key }) => key)).toEqual(others.slice(0, 20).map(({ contact }) => contact.key))

      const record = signRecord(second.identity, { salt: bytes('notes'), sequence: 1, value: bytes('hello') })
      const { holders } = await net.wait(second.kademlia.put(record))
      expect(holders).toBe(Math.min(count, 20))
      expect(await net.wait(last.kademlia.get(record.key))).toMatchObject({ sequence: 1, value: bytes('hello') })

      const found = await net.wait(first.kademlia.findPeer(last.identity.id))
      expect(found.name).toBe(`p${count - 1}`)
      expect((await listed(net, first)).size).toBe(count)
    },
  )

  test('of one: it keeps what it puts, and knows of itself', async () => {
    const net = new RpcNetwork('alone')
    const alone = net.add()
    const record = plainRecord(bytes('to myself'))
    expect(await net.wait(alone.kademlia.put(record))).toEqual({ holders: 1 })
    expect((await net.wait(alone.kademlia.get(record.key))).value).toEqual(bytes('to myself'))
    await expect(net.wait(alone.kademlia.get(plainRecord(bytes('x')).key))).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await net.wait(alone.kademlia.announce())
    expect(await listed(net, alone)).toEqual(new Set(['p0']))
    await expect(net.wait(alone.kademlia.join([]))).rejects.toMatchObject({ code: 'NO_CONTACTS' })
  })
})

describe('values', () => {
  test('a newer one takes the place of the older, never the other way round', async () => {
    const net = await network(30)
    const [author, reader] = net.members as [Member, Member]
    const of = (sequence: number, text: string) =>
      signRecord(author.identity, { salt: bytes('s'), sequence, value: bytes(text) })
    await net.wait(author.kademlia.put(of(2, 'two')))
    await expect(net.wait(author.kademlia.put(of(1, 'one')))).rejects.toMatchObject({ code: 'CONFLICT' })
    await net.wait(author.kademlia.put(of(3, 'three'), { expectedSequence: 2 }))
    await expect(net.wait(author.kademlia.put(of(5, 'five'), { expectedSequence: 2 }))).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect((await net.wait(reader.kademlia.get(of(3, '').key))).value).toEqual(bytes('three'))
  })

  test('are replaced at a holder that missed the one before, and whatever somebody says without a signature', async () => {
    const net = await network(5)
    const [author, behind, liar, reader] = net.members as [Member, Member, Member, Member]
    const of = (sequence: number, text: string) =>
      signRecord(author.identity, { salt: bytes('s'), sequence, value: bytes(text) })
    const forged = { ...of(9, 'forged'), signature: new Uint8Array(64) }
    const forgedBytes = encodeValue([forged.author, forged.salt, 9, forged.value, forged.signature])
    await net.wait(author.kademlia.put(of(1, 'one')))
    // Puts to everybody but one.
    net.answers = (member, request) => (member === behind && request[0] === 3 ? [4, null] : undefined)
    await net.wait(author.kademlia.put(of(2, 'two'), { expectedSequence: 1 }))
    net.answers = (member, request) => (member === liar && request[0] === 3 ? [1, forgedBytes] : undefined)
    const { holders } = await net.wait(author.kademlia.put(of(3, 'three'), { expectedSequence: 2 }))
    expect(holders).toBe(4)
    expect(behind.kademlia.status().records).toBe(1)
    expect((await net.wait(reader.kademlia.get(of(3, '').key))).value).toEqual(bytes('three'))
  })

  test('are found after 6 of 20 peers that held them are gone', async () => {
    const net = await network(60)
    const [author, reader] = net.members as [Member, Member]
    const record = plainRecord(bytes('kept'))
    await net.wait(author.kademlia.put(record))
    const holders = net.members.filter(({ kademlia }) => kademlia.status().records > 0 && kademlia !== reader.kademlia)
    for (const holder of holders.slice(0, 6)) await net.kill(holder)
    expect((await net.wait(reader.kademlia.get(record.key))).value).toEqual(bytes('kept'))
  })
})

describe('the lists of peers', () => {
  test('lose at once who leaves, and within 10 minutes who crashes', async () => {
    const net = await network(40)
    const [reader, leaver, crashed] = net.members as [Member, Member, Member]
    await net.wait(leaver.kademlia.leave())
    // It may go on asking, and is not listed again for that.
    for (let minute = 0; minute < 6; minute++) await net.clock.advance(60_000)
    await net.kill(leaver)
    const afterLeave = await listed(net, reader)
    expect([afterLeave.size, afterLeave.has('p1')]).toEqual([39, false])
    await net.kill(crashed)
    for (let minute = 0; minute < 11; minute++) await net.clock.advance(60_000)
    const afterCrash = await listed(net, reader)
    expect([afterCrash.size, afterCrash.has('p2')]).toEqual([38, false])
  })
})

describe('who is not proved', () => {
  const request = (net: RpcNetwork, asked: Value, more: { early?: boolean; host?: string } = {}): Value => {
    const [member] = net.members as [Member]
    const stranger = createIdentity(net.random.bytes(32)).id
    const address = { host: more.host ?? '10.9.9.9', port: 1 }
    return member.kademlia.handle(asked, { id: stranger, address, ...(more.early && { early: true }) })
  }

  test('is answered, stores nothing, and becomes no contact', async () => {
    const net = await network(2)
    const [member] = net.members as [Member]
    expect(request(net, [0], { early: true })).toEqual([])
    const [, token] = request(net, [2, plainRecord(bytes('x')).key, null], { early: true }) as [null, Uint8Array]
    expect(request(net, [3, plainRecord(bytes('x')).bytes, token, 0, null], { early: true })).toEqual([5, null])
    expect(member.kademlia.status()).toMatchObject({ contacts: 1, records: 0 })
    request(net, [0])
    expect(member.kademlia.status().contacts).toBe(2)
  })

  test('nobody is told of somebody at an address that others could not use', async () => {
    const net = await network(2)
    request(net, [0], { host: 'fe80::1%eth0' })
    const [hints] = request(net, [1, new Uint8Array(32)]) as [Uint8Array[]]
    expect([hints.length, net.members[0]?.kademlia.status().contacts]).toEqual([1, 3])
  })
})

test('a lookup tells of each request, and `meet` makes contacts of hints that answer', async () => {
  const net = await network(5)
  const [first, ...others] = net.members as [Member, ...Member[]]
  const steps: LookupTrace[] = []
  const { asked } = await net.wait(
    first.kademlia.lookup(others[0]?.contact.position as Uint8Array, { onStep: (step) => steps.push(step) }),
  )
  expect([steps.length, new Set(steps.map(({ contact }) => contact.key)).size]).toEqual([asked, asked])
  expect(steps.find(({ contact }) => contact.key === others[0]?.contact.key)).toMatchObject({
    sharedBits: 256,
    named: 3,
  })
  expect(steps.every(({ tookMs }) => tookMs >= 0.6)).toBe(true)

  const newcomer = net.add()
  const gone = net.add()
  await net.kill(gone)
  expect(await net.wait(newcomer.kademlia.meet([first.contact, gone.contact, newcomer.contact]))).toBe(1)
  expect(newcomer.kademlia.contacts().map(({ key }) => key)).toEqual([first.contact.key])
})

test('whoever sleeps doubts everybody, and is listed again when it wakes', async () => {
  const net = await network(10)
  const [sleeper] = net.members as [Member]
  expect(sleeper.kademlia.buckets().flatMap(({ contacts }) => contacts).length).toBe(9)
  expect(keyOf(sleeper.identity.id.bytes)).toBe(sleeper.contact.key)
})
