import type { PeerId } from '@pc/identity'
import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { MemoryNetwork, type NetworkProtocol, systemProtocol } from '../src/index.js'
import { testIdentity } from './_util/credentials.js'
import { describeNetworkProtocol } from './network-protocol.contract.js'

const [ONE, TWO, STRANGER] = [testIdentity(1), testIdentity(2), testIdentity(3)]
const real = <T>(promise: Promise<T>): Promise<T> => promise

describeNetworkProtocol(
  'system, on loopback',
  () => ({
    one: { protocol: systemProtocol(ONE), id: ONE.id, host: '127.0.0.1' },
    two: { protocol: systemProtocol(TWO), id: TWO.id, host: '127.0.0.1' },
    settle: real,
  }),
  STRANGER.id,
)

describeNetworkProtocol(
  'memory',
  () => {
    const network = new MemoryNetwork()
    return {
      one: { protocol: network.protocol(ONE.id, '10.0.0.1'), id: ONE.id, host: '10.0.0.1' },
      two: { protocol: network.protocol(TWO.id, '10.0.0.2'), id: TWO.id, host: '10.0.0.2' },
      settle: real,
    }
  },
  STRANGER.id,
)

describeNetworkProtocol(
  'simulated',
  () => {
    const clock = new VirtualClock()
    const network = new SimulatedNetwork<PeerId>({
      clock,
      random: new SeededRandom('contract'),
      delayMs: 0.2,
      jitterMs: 0,
    })
    const host = (id: PeerId, address: string): NetworkProtocol => network.host({ id, address })
    return {
      one: { protocol: host(ONE.id, '10.0.0.1'), id: ONE.id, host: '10.0.0.1' },
      two: { protocol: host(TWO.id, '10.0.0.2'), id: TWO.id, host: '10.0.0.2' },
      settle: async (promise) => {
        let settled = false
        const note = (): void => {
          settled = true
        }
        promise.then(note, note)
        await clock.runUntil(() => settled)
        return promise
      },
    }
  },
  STRANGER.id,
)
