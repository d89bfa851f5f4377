export type { DatagramCounters } from './datagram-exchange.js'
export type { TestkitErrorCode } from './errors.js'
export { TestkitError } from './errors.js'
export type { NetworkConditions } from './network-conditions.js'
export { OFFICE_CONDITIONS } from './network-conditions.js'
export { SeededRandom } from './seeded-random.js'
export type { SimulatedAddress } from './simulated-address.js'
export type {
  SimulatedBindOptions,
  SimulatedConnectOptions,
  SimulatedHost,
  SimulatedListener,
  SimulatedListenOptions,
  SimulatedSocket,
  SimulatedStream,
} from './simulated-host.js'
export type { HostGroup, SimulatedNetworkOptions } from './simulated-network.js'
export { SimulatedNetwork } from './simulated-network.js'
export type { LogLevel, LogLine, TestLogger, TestLoggerOptions } from './test-logger.js'
export { createTestLogger } from './test-logger.js'
export type { VirtualClockOptions } from './virtual-clock.js'
export { VirtualClock } from './virtual-clock.js'
