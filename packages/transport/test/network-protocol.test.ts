import { networkInterfaces } from 'node:os'
import type { PeerId } from '@pc/identity'
import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { describe } from 'vitest'
import { MemoryNetwork, type NetworkProtocol, plainTcpProtocol, systemProtocol } from '../src/index.js'
import { testIdentity } from './_util/credentials.js'
import { describeNetworkProtocol, type ProtocolPair } from './network-protocol.contract.js'

const [ONE, TWO, STRANGER] = [testIdentity(1), testIdentity(2), testIdentity(3)]
const real = <T>(promise: Promise<T>): Promise<T> => promise
const hasIPv6 = Object.values(networkInterfaces()).some((all = []) => all.some(({ address }) => address === '::1'))

function system(host: string, more: Partial<ProtocolPair>): ProtocolPair {
  return {
    one: { protocol: systemProtocol(ONE), id: ONE.id, host },
    two: { protocol: systemProtocol(TWO), id: TWO.id, host },
    settle: real,
    ...more,
  }
}

function plain(host: string, more: Partial<ProtocolPair>): ProtocolPair {
  return {
    one: { protocol: plainTcpProtocol(ONE.id), id: ONE.id, host },
    two: { protocol: plainTcpProtocol(TWO.id), id: TWO.id, host },
    settle: real,
    channelBinding: false,
    ...more,
  }
}

function memory(hosts: readonly [string, string], more: Partial<ProtocolPair>): ProtocolPair {
  const network = new MemoryNetwork()
  return {
    one: { protocol: network.protocol(ONE.id, hosts[0]), id: ONE.id, host: hosts[0] },
    two: { protocol: network.protocol(TWO.id, hosts[1]), id: TWO.id, host: hosts[1] },
    settle: real,
    ...more,
  }
}

function simulated(hosts: readonly [string, string], more: Partial<ProtocolPair>): ProtocolPair {
  const clock = new VirtualClock()
  const network = new SimulatedNetwork<PeerId>({
    clock,
    random: new SeededRandom('contract'),
    delayMs: 0.2,
    jitterMs: 0,
    // Fast enough for every test, and slow enough for a queue to fill within one turn.
    bandwidth: 2e9,
    receiveBufferBytes: 4_194_304,
  })
  const host = (id: PeerId, address: string): NetworkProtocol => network.host({ id, address })
  return {
    one: { protocol: host(ONE.id, hosts[0]), id: ONE.id, host: hosts[0] },
    two: { protocol: host(TWO.id, hosts[1]), id: TWO.id, host: hosts[1] },
    settle: async (promise) => {
      let settled = false
      const note = (): void => {
        settled = true
      }
      promise.then(note, note)
      await clock.runUntil(() => settled)
      return promise
    },
    ...more,
  }
}

describeNetworkProtocol('system', () => system('127.0.0.1', { broadcast: '127.255.255.255' }), STRANGER.id)
describeNetworkProtocol('plain', () => plain('127.0.0.1', { broadcast: '127.255.255.255' }), STRANGER.id)
describe.runIf(hasIPv6)('where there is IPv6', () => {
  describeNetworkProtocol('plain, IPv6', () => plain('::1', { multicast: false }), STRANGER.id)
  describeNetworkProtocol('system, IPv6', () => system('::1', { multicast: false }), STRANGER.id)
})

const V4 = ['10.0.0.1', '10.0.0.2'] as const
const V6 = ['fd00::1', 'fd00::2'] as const
describeNetworkProtocol('memory', () => memory(V4, { broadcast: '255.255.255.255' }), STRANGER.id)
describeNetworkProtocol('memory, IPv6', () => memory(V6, {}), STRANGER.id)
describeNetworkProtocol('simulated', () => simulated(V4, { broadcast: '10.0.0.255' }), STRANGER.id)
describeNetworkProtocol('simulated, IPv6', () => simulated(V6, {}), STRANGER.id)
