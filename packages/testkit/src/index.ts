export type { DatagramCounters } from './datagram-flight.js'
export type { TestkitErrorCode } from './errors.js'
export { TestkitError } from './errors.js'
export type { HostClock } from './host-clock.js'
export type { SimulatedInterface } from './interface.js'
export type { Ed25519KeyPair } from './key-pair.js'
export { ed25519KeyPair } from './key-pair.js'
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
export type { ClockFault, HostGroup, SimulatedHostOptions, SimulatedNetworkOptions } from './simulated-network.js'
export { SimulatedNetwork } from './simulated-network.js'
export type { SimulatedStoreOptions } from './simulated-store.js'
export { SimulatedStore } from './simulated-store.js'
export type {
  SimulatedChange,
  SimulatedEntry,
  SimulatedIterator,
  SimulatedRange,
  SimulatedStoreDamage,
} from './simulated-store-backend.js'
export type { SimulatedStoreCounters } from './simulated-store-disk.js'
export type { SimulatedStoreFaults } from './simulated-store-faults.js'
export type { LogLevel, LogLine, TestLogger, TestLoggerOptions } from './test-logger.js'
export { createTestLogger } from './test-logger.js'
export { Trace } from './trace.js'
export type { VirtualClockOptions } from './virtual-clock.js'
export { VirtualClock } from './virtual-clock.js'
