import { Feed } from '@pc/dispatch'
import { createIdentity, type PeerId, signPeerRecord } from '@pc/identity'
import type { Member, MembershipEvent } from '@pc/membership'
import { silentLogger } from '@pc/transport'
import { describe, expect, it } from 'vitest'
import { LivePeers } from './live-peers.js'

const identities = [createIdentity(), createIdentity(), createIdentity()]
const [anna, bert, carl] = identities.map(({ id }) => id) as [PeerId, PeerId, PeerId]
const records = identities.map((identity) =>
  signPeerRecord(identity, { sequence: 1, name: 'x', addresses: [], capabilities: [] }),
)

function memberOf(peer: PeerId, state: Member['state']): Member {
  const record = records.find(({ id }) => id.equals(peer)) as Member['record']
  return { peer, record, state, since: 0, lastSeenAt: 0, udpBlocked: false }
}

/** Membership as LivePeers sees it. */
function fakeMembership(limit: number) {
  const states = new Map<PeerId, Member['state']>()
  const feed = new Feed<MembershipEvent>({ limit })
  const change = (type: 'up' | 'offline' | 'forgotten', peer: PeerId): void => {
    if (type === 'forgotten') states.delete(peer)
    else states.set(peer, type === 'up' ? 'online' : 'offline')
    const { record } = memberOf(peer, 'online')
    feed.publish(type === 'offline' ? { type, peer, record, reason: 'lost', detail: '' } : { type, peer, record })
  }
  const membership = {
    members: () => [...states].map(([peer, state]) => memberOf(peer, state)),
    isOnline: (peer: PeerId) => states.get(peer) === 'online',
    events: (options: { signal?: AbortSignal } = {}) => feed.subscribe(options),
  }
  return { membership, change, feed }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

function watched(limit = 1_024) {
  const { membership, change, feed } = fakeMembership(limit)
  const book = { get: (peer: PeerId) => (peer === bert ? ({ roundTripMs: 3 } as never) : undefined) }
  const view = new LivePeers({ membership, book, logger: silentLogger })
  const told: string[] = []
  const begin = (): (() => void) =>
    view.watch(({ type, peer, roundTripMs }) => {
      told.push([type, [anna, bert, carl].indexOf(peer), roundTripMs ?? ''].join(' ').trim())
    })
  return { view, change, feed, told, begin }
}

describe('LivePeers', () => {
  it('tells who is live, and each change until nobody watches', async () => {
    const { view, change, told, begin } = watched()
    change('up', anna)
    change('offline', carl)
    expect([...view.live()]).toEqual([{ peer: anna }])
    const end = begin()
    change('up', bert)
    await settled()
    change('offline', anna)
    await settled()
    expect(told).toEqual(['up 1 3', 'down 0'])
    end()
    await settled()
    change('up', anna)
    await settled()
    expect(told).toHaveLength(2)
  })

  it('looks at everybody anew when more has changed than it could be told', async () => {
    const { change, told, begin } = watched(2)
    change('up', anna)
    begin()
    for (let round = 0; round < 3; round++) change('up', bert)
    // Nobody is told of these.
    change('offline', anna)
    change('forgotten', anna)
    change('up', carl)
    await settled()
    expect([told.includes('down 0'), told.at(-1), told.includes('up 1 3')]).toEqual([true, 'up 2', true])
    change('offline', carl)
    await settled()
    expect(told.at(-1)).toBe('down 2')
  })
})
