import { createIdentity, signPeerRecord } from '@pc/identity'
import { VirtualClock } from '@pc/testkit'
import { PeerBook, silentLogger, systemRandom } from '@pc/transport'
import type { Value } from '@pc/wire'
import { describe, expect, it } from 'vitest'
import { DhtService, type DhtServiceOptions } from './dht-service.js'
import { KnownIds } from './known-ids.js'

const address = { host: '10.0.0.2', port: 3_485 }

function setUp() {
  const clock = new VirtualClock()
  const identity = createIdentity()
  const peer = createIdentity().id
  const state = { sent: 0 }
  let handler: (event: object) => unknown = () => undefined
  const endpoint = {
    register: (_code: number, _options: object, taken: typeof handler) => {
      handler = taken
      return () => {
        handler = () => 'nobody'
      }
    },
    submit: () => {
      state.sent++
      return new Promise(() => {})
    },
  } as unknown as DhtServiceOptions['endpoint']
  const service = new DhtService({
    identity,
    endpoint,
    record: () => signPeerRecord(identity, { sequence: 1, name: 'one', addresses: [], capabilities: [] }),
    book: new PeerBook(),
    ids: new KnownIds(),
    membership: { members: () => [], events: async function* () {} as never },
    mayReach: ({ host }) => host.startsWith('10.'),
    known: [],
    settings: {},
    clock,
    random: systemRandom,
    logger: silentLogger,
  })
  service.start()
  const ask = (body: Value, early: boolean) => handler({ peer, address, body, early })
  return { clock, peer, service, state, ask }
}

describe('DhtService', () => {
  it('takes nobody for proved by a first message, until its handshake has ended', async () => {
    const { peer, service, ask } = setUp()
    expect(ask([0], true)).toEqual([])
    expect(service.kademlia.status().contacts).toBe(0)
    service.met(peer, address)
    expect(service.contacts()).toMatchObject([{ address: '10.0.0.2:3485' }])
    await service.close({ signal: AbortSignal.abort() })
  })

  it('refuses what is no request with BAD_INPUT', async () => {
    const { service, ask } = setUp()
    expect(() => ask({ what: 'ever' }, false)).toThrow(
      expect.objectContaining({ name: 'DispatchError', code: 'BAD_INPUT' }),
    )
    expect(ask([0], false)).toEqual([])
    expect(service.kademlia.status().contacts).toBe(1)
    await service.close({ signal: AbortSignal.abort() })
  })

  it('gives its farewell a second, when nobody hears it', async () => {
    const { clock, service, state, ask } = setUp()
    ask([0], false)
    let closed = false
    const closing = service.close().then(() => {
      closed = true
    })
    await clock.advance(100)
    expect([closed, state.sent]).toEqual([false, 1])
    await clock.advance(1_000)
    await closing
    expect(ask([0], false)).toBe('nobody')
  })
})
