/** Whole peers on simulated machines that have IPv6. */
import { createIdentity, openNetwork, type PeerId, signPeerRecord } from '@pc/identity'
import { SeededRandom, type SimulatedHost, type SimulatedInterface, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { type Address, Connector, type NetworkProtocol, PeerBook } from '@pc/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { createPeer, type Peer, type PeerEvent, type PeerOptions } from '../src/index.js'

const PORT = 3_485
const open: { close(): Promise<void> }[] = []
let world: World

class World {
  readonly clock = new VirtualClock()
  readonly random = new SeededRandom('ipv6')
  readonly network = new SimulatedNetwork<PeerId>({ clock: this.clock, random: this.random.stream('network') })

  machine(name: string, interfaces: SimulatedInterface[]) {
    const random = this.random.stream(name)
    const identity = createIdentity(random.bytes(32))
    const host = this.network.host({ id: identity.id, interfaces })
    return { name, identity, host, random, ...recorded(host) }
  }

  /** Moves time until the promise settles. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const note = (): void => {
      settled = true
    }
    promise.then(note, note)
    await this.clock.runUntil(() => settled)
    return promise
  }
}
type Machine = ReturnType<World['machine']>

/** The protocol of a host, which writes down where it listens, and what it dialled in vain or with success. */
function recorded(host: SimulatedHost<PeerId>) {
  const listening: string[] = []
  const bound: string[] = []
  const dialled: { host: string; stands: boolean }[] = []
  const base: NetworkProtocol = host
  const protocol: NetworkProtocol = {
    name: base.name,
    interfaces: () => host.interfaces(),
    listen: (address, onStream, options) => {
      listening.push(address.host)
      return base.listen(address, onStream, options)
    },
    bind: (options, onDatagram) => {
      if (options.port === PORT) bound.push(options.host)
      return base.bind(options, onDatagram)
    },
    connect: async (address, options) => {
      const dial = { host: address.host, stands: false }
      dialled.push(dial)
      const stream = await base.connect(address, options)
      dial.stands = true
      return stream
    },
  }
  return { protocol, listening, bound, dialled }
}

async function start(
  { name, identity, protocol, host, random }: Machine,
  more: Partial<PeerOptions> = {},
): Promise<Peer> {
  const peer = await world.settle(createPeer({ identity, name, protocol, clock: host.clock, random, ...more }))
  open.push(peer)
  return peer
}

async function until(peer: Peer, wanted: (event: PeerEvent) => boolean): Promise<PeerEvent> {
  for await (const event of peer.events()) if (wanted(event)) return event
  throw new Error('the events ended before')
}

/** Somebody with a key who dials that address, and the id that was proved there. */
async function meet({ identity, protocol, host, random }: Machine, address: Address): Promise<PeerId> {
  const record = signPeerRecord(identity, { sequence: 1, name: 'caller', addresses: [], capabilities: [] })
  const connector = await Connector.create({
    identity,
    protocol,
    network: openNetwork('peerconnect'),
    bootId: random.bytes(8),
    record: () => record,
    peerBook: new PeerBook(),
    clock: host.clock,
    random,
  })
  open.push(connector)
  const { peer } = await world.settle(connector.meet([address]))
  return peer
}

function setUp(): World {
  world = new World()
  return world
}

afterEach(async () => {
  await world.settle(Promise.all(open.splice(0).map((one) => one.close())))
})

const DUAL: SimulatedInterface[] = [
  { name: 'eth0', address: 'fe80::1' },
  { name: 'eth0', address: 'fd00::1' },
  { name: 'eth0', address: '10.0.0.1' },
]

describe('a peer on a machine with IPv6', () => {
  it.each([
    ['everywhere, without rules', DUAL, {}, ['0.0.0.0', '::']],
    [
      'at each allowed address, with its scope, IPv4 first',
      DUAL,
      { allow: ['eth0'] },
      ['10.0.0.1', 'fd00::1', 'fe80::1%eth0'],
    ],
    ['at IPv4 loopback alone', DUAL, { allow: ['lo'] }, ['127.0.0.1']],
    ['as ever where there is no IPv6', [{ address: '10.0.0.1' }], {}, ['0.0.0.0']],
    ['at IPv6 where there is nothing else', [{ name: 'eth0', address: 'fd00::1' }], { allow: ['eth*'] }, ['fd00::1']],
  ])('listens %s, with one port', async (_name, interfaces, rules, hosts) => {
    const machine = setUp().machine('desk', interfaces)
    const peer = await start(machine, { interfaces: rules })
    expect(machine.listening).toEqual(hosts)
    expect(machine.bound).toEqual(hosts)
    expect(peer.status().port).toBe(PORT)
  })

  it('says where it is: IPv4 first, then IPv6 that others can use, and at most four in its record', async () => {
    const machine = setUp().machine('desk', [
      ...DUAL,
      { name: 'eth1', address: '2001:db8::1' },
      { name: 'eth1', address: '10.0.1.1' },
      { name: 'eth1', address: '2001:db8::2' },
    ])
    const peer = await start(machine)
    expect(peer.addresses().map(({ host }) => host)).toEqual([
      '10.0.0.1',
      '10.0.1.1',
      'fd00::1',
      '2001:db8::1',
      '2001:db8::2',
    ])
    const caller = world.machine('caller', [{ address: '10.0.0.9' }])
    const other = await start(caller)
    await world.settle(until(other, (event) => event.type === 'up'))
    expect(other.find('desk').addresses).toEqual([
      '10.0.0.1:3485',
      '10.0.1.1:3485',
      '[fd00::1]:3485',
      '[2001:db8::1]:3485',
    ])
  })

  it.each([
    ['unique local', { host: 'fd00::1', port: PORT }],
    ['link-local, with the scope of the caller', { host: 'fe80::1%wlan0', port: PORT }],
  ])('is reached by IPv6 alone, at its %s address', async (_name, address) => {
    const desk = setUp().machine('desk', DUAL.slice(0, 2))
    const peer = await start(desk, { interfaces: { allow: ['eth0'] } })
    const up = until(peer, (event) => event.type === 'up')
    const caller = world.machine('caller', [
      { name: 'wlan0', address: 'fd00::2' },
      { name: 'wlan0', address: 'fe80::2' },
    ])
    expect((await meet(caller, address)).equals(desk.identity.id)).toBe(true)
    await world.settle(up)
    expect(peer.peers()).toMatchObject([{ name: 'caller', state: 'online' }])
  })

  it('starts when an IPv6 address cannot be used yet', async () => {
    const machine = setUp().machine('desk', DUAL)
    const { protocol } = machine
    const tentative: NetworkProtocol = {
      ...protocol,
      bind: (options, onDatagram) =>
        protocol.bind({ ...options, host: options.host.replace('fd00::1', 'fd00::2') }, onDatagram),
    }
    const peer = await start({ ...machine, protocol: tentative }, { interfaces: { allow: ['eth0'] } })
    expect(machine.listening).toEqual(['10.0.0.1', 'fe80::1%eth0'])
    expect(peer.addresses()).toEqual([{ host: '10.0.0.1', port: PORT }])
  })
})

describe('two peers', () => {
  it('that lose IPv4 reach each other again by the IPv6 addresses of their records', async () => {
    setUp()
    const machines = ['one', 'two'].map((name, at) =>
      world.machine(name, [
        { name: 'eth0', address: `10.0.0.${at + 1}` },
        { name: 'eth1', address: `fd00::${at + 1}` },
      ]),
    ) as [Machine, Machine]
    const one = await start(machines[0])
    const up = until(one, (event) => event.type === 'up')
    const two = await start(machines[1])
    await world.settle(up)
    two.handle('double', { access: 'anyone' }, (input) => Number(input) * 2)
    const dialledBefore = machines.flatMap(({ dialled }) =>
      dialled.filter(({ stands }) => stands).map(({ host }) => host),
    )
    expect(dialledBefore.every((host) => host.startsWith('10.'))).toBe(true)

    for (const { host, dialled } of machines) {
      dialled.length = 0
      world.network.changeAddress(host, 'eth0', undefined)
    }
    // Longer than keep-alive takes to find out.
    await world.clock.advance(20_000)
    expect(await world.settle(one.request('two', 'double', 21))).toBe(42)
    const stands = machines.flatMap(({ dialled }) => dialled.filter((dial) => dial.stands).map(({ host }) => host))
    expect(stands.length).toBeGreaterThan(0)
    expect(stands.every((host) => host.startsWith('fd00::'))).toBe(true)
  })
})
