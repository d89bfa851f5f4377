import { createIdentity, signPeerRecord } from '@pc/identity'
import type { Membership } from '@pc/membership'
import { createTestLogger } from '@pc/testkit'
import { PeerBook } from '@pc/transport'
import { describe, expect, it } from 'vitest'
import { MembershipService } from './membership-service.js'

const identity = createIdentity(new Uint8Array(32).fill(1))
const { id } = identity
const record = signPeerRecord(identity, { sequence: 1, name: 'anna', addresses: [], capabilities: [] })
const other = createIdentity(new Uint8Array(32).fill(2))
const HERE = { host: '10.0.0.7', port: 3_485 }

type Handler = (event: { peer: typeof id; body: unknown; asks: boolean; early: boolean }) => unknown

function setUp(recordAt: () => Promise<typeof record> = () => Promise.reject(new Error('no answer'))) {
  const book = new PeerBook()
  const said: string[] = []
  const membership = {
    receive: (_: unknown, bytes: Uint8Array) => void said.push(`received ${bytes.length}`),
    met: (peer: typeof id) => void said.push(`met ${peer.equals(id) ? 'anna' : 'somebody'}`),
    heard: () => void said.push('heard'),
  } as unknown as Membership
  let handler: Handler = () => undefined
  let asked = 0
  const service = new MembershipService({
    book,
    mayReach: ({ host }) => host.startsWith('10.'),
    onMet: ({ name }) => void said.push(`claims ${name}`),
    logger: createTestLogger(),
  })
  service.start(membership, {
    register: (rootCode, _, taken) => {
      said.push(`registered ${rootCode}`)
      handler = taken as unknown as Handler
      return () => void said.push('unregistered')
    },
    send: async ({ address }, rootCode, body) => {
      said.push(`sent ${(body as Uint8Array).length} by ${rootCode} to ${address.host}`)
    },
    recordAt: () => {
      asked += 1
      return recordAt()
    },
  })
  return { service, book, said, give: (event: Parameters<Handler>[0]) => handler(event), asked: () => asked }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('MembershipService', () => {
  it('hands on datagrams of proved peers, and neither requests nor what may be a copy', () => {
    const { said, give } = setUp()
    const event = { peer: id, body: new Uint8Array(9), asks: false, early: false }
    give(event)
    give({ ...event, early: true })
    give({ ...event, asks: true })
    give({ ...event, body: 'text' })
    expect(said).toEqual(['registered 4', 'received 9'])
  })

  it('makes whoever is proved by a session a member, when its record is known', () => {
    const { service, book, said } = setUp()
    book.upsert(record)
    service.met(id, HERE)
    expect(said).toEqual(['registered 4', 'claims anna', 'met anna'])
  })

  it('asks for a record that is not known, once at a time, and believes only the peer’s own', async () => {
    const { service, said, asked } = setUp(async () => record)
    service.met(id, HERE)
    service.met(id, HERE)
    service.met(other.id, HERE)
    await settled()
    expect(asked()).toBe(2)
    expect(said).toEqual(['registered 4', 'claims anna', 'met anna'])
  })

  it('asks sixteen at a time and no more', () => {
    const { service, asked } = setUp(() => new Promise(() => {}))
    for (let seed = 3; seed < 30; seed++) {
      service.met(createIdentity(new Uint8Array(32).fill(seed)).id, HERE)
    }
    expect(asked()).toBe(16)
  })

  it('sends to where the session is, else to an address that may be used, else not at all', async () => {
    const { service, book, said } = setUp()
    await expect(service.transport.send(id, new Uint8Array(3))).rejects.toMatchObject({ code: 'PEER_NOT_FOUND' })
    book.noteHint(id, { host: '10.0.0.9', port: 1 })
    book.noteHint(id, { host: '192.168.0.1', port: 1 })
    await service.transport.send(id, new Uint8Array(3))
    service.met(id, HERE)
    await service.transport.send(id, new Uint8Array(3))
    expect(said.slice(1)).toEqual(['sent 3 by 4 to 10.0.0.9', 'sent 3 by 4 to 10.0.0.7'])
    service.close()
    await service.transport.send(id, new Uint8Array(3))
    expect(said.at(-1)).toBe('unregistered')
  })
})
