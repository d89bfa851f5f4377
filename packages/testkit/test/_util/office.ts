import type { Duplex } from 'node:stream'
import {
  type NetworkConditions,
  SeededRandom,
  type SimulatedHost,
  type SimulatedListener,
  SimulatedNetwork,
  type SimulatedStream,
  VirtualClock,
} from '../../src/index.js'

export interface Office {
  clock: VirtualClock
  network: SimulatedNetwork<string>
  anna: SimulatedHost<string>
  /** Listens on port 3485. */
  ben: SimulatedHost<string>
  listener: SimulatedListener
  /** What Ben accepted. */
  accepted: SimulatedStream<string>[]
}

/** Two machines on a network. */
export async function office(options: Partial<NetworkConditions> & { seed?: number } = {}): Promise<Office> {
  const { seed = 1, ...conditions } = options
  const clock = new VirtualClock()
  const network = new SimulatedNetwork<string>({ clock, random: new SeededRandom(seed), ...conditions })
  const anna = network.host({ id: 'anna', address: '10.0.0.1' })
  const ben = network.host({ id: 'ben', address: '10.0.0.2' })
  const accepted: SimulatedStream<string>[] = []
  const listener = await ben.listen({ host: ben.address, port: 3485 }, (stream) => accepted.push(stream))
  return { clock, network, anna, ben, listener, accepted }
}

/** Two machines and a stream between them: `here` is Anna's end. */
export async function connectedPair(
  options: Partial<NetworkConditions> & { seed?: number } = {},
): Promise<Office & { here: SimulatedStream<string>; there: SimulatedStream<string> }> {
  const all = await office(options)
  const here = await outcome(all.clock, all.anna.connect({ host: all.ben.address, port: 3485 }, { timeoutMs: 100_000 }))
  await all.clock.runUntil(() => all.accepted.length > 0, { limitMs: 100_000 })
  const there = all.accepted[0]
  if (there === undefined) throw new Error('Ben accepted nothing')
  return { ...all, here, there }
}

/** Moves time until the promise settles, and passes its outcome on. */
export async function outcome<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false
  const done = (): void => {
    settled = true
  }
  promise.then(done, done)
  await clock.runUntil(() => settled, { limitMs: 600_000 })
  return promise
}

export function collect(stream: Duplex): Buffer[] {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return chunks
}
