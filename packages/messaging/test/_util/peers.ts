import type { Authorize } from '@pc/dispatch'
import { createTestLogger, SeededRandom, type TestLogger, VirtualClock } from '@pc/testkit'
import { Messaging, type MessagingOptions } from '../../src/index.js'
import { FakeNetwork, type FakeNode } from './fake-network.js'

export interface TestPeer {
  readonly node: FakeNode
  readonly messaging: Messaging
  readonly logger: TestLogger
}

export interface TestPair {
  readonly clock: VirtualClock
  readonly network: FakeNetwork
  readonly anna: TestPeer
  readonly ben: TestPeer
}

export const onlyAnyone: Authorize = ({ access }) => access === 'anyone'

/** Two peers on a fake network, with a clock that moves when the test says so. */
export function pair(options: { anna?: Partial<MessagingOptions>; ben?: Partial<MessagingOptions> } = {}): TestPair {
  const clock = new VirtualClock()
  const network = new FakeNetwork()
  const anna = peer(network, clock, 1, options.anna)
  const ben = peer(network, clock, 2, options.ben)
  return { clock, network, anna, ben }
}

export function peer(
  network: FakeNetwork,
  clock: VirtualClock,
  seed: number,
  options: Partial<MessagingOptions> = {},
): TestPeer {
  const node = network.node(seed)
  const logger = createTestLogger()
  const random = new SeededRandom(seed)
  const messaging = Messaging.create({ connector: node, authorize: onlyAnyone, clock, random, logger, ...options })
  return { node, messaging, logger }
}

/** The rejection of a promise, or a failed test. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { code?: string; remote?: boolean }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw new TypeError(`rejected with ${String(error)}, which is no Error`)
  }
  throw new Error('expected a rejection')
}
