export type {
  BackendIterator,
  BackendRange,
  StoreBackend,
  StoreChange,
  StoreDamage,
  StoreEntry,
} from './backend.js'
export type { StoreErrorCode, StoreErrorOptions } from './errors.js'
export { StoreError } from './errors.js'
export { STORE_LIMITS } from './limits.js'
export { createMemoryBackend } from './memory-backend.js'
export type { StoreOptions } from './open-store.js'
export { openStore } from './open-store.js'
export type { SequenceItem, SequenceOptions } from './sequence.js'
export { prefixRange, readSequence, sequenceKey } from './sequence.js'
export type { Store, StoreRange } from './store.js'
