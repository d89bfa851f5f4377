export type { Rpc, RpcOptions } from './calls.js'
export type { Contact } from './contact.js'
export { contactOf, keyOf } from './contact.js'
export type { KademliaErrorCode } from './errors.js'
export { KademliaError } from './errors.js'
export type { KademliaStatus, RequestOrigin } from './kademlia.js'
export { Kademlia } from './kademlia.js'
export { LIST_COUNT, LIST_KEYS, listOf } from './list-keys.js'
export { signLeave, verifyLeave } from './list-leave.js'
export type { LookupProgress, LookupStart, LookupStep } from './lookup.js'
export { Lookup } from './lookup.js'
export type { LookupOptions } from './lookup-options.js'
export type { FindOptions, LookupReport, LookupTrace } from './lookups.js'
export { wantsToStore } from './messages.js'
export type { KademliaOptions } from './options.js'
export type { Position } from './position.js'
export { commonPrefix, compareDistance, positionOf } from './position.js'
export type { PutOptions, PutReport } from './publisher.js'
export type {
  RecordStoreOptions,
  Replica,
  StoreOutcome,
  StoreRefusal,
  StoreRequest,
  Validator,
} from './record-store.js'
export { RECORD_TTL_MS, RecordStore } from './record-store.js'
export type { BucketView, ClosestOptions, ProvedOutcome, RoutingTableLimits } from './routing-table.js'
export { RoutingTable } from './routing-table.js'
export type { DhtRecord, PlainRecord, SignedRecord } from './value-record.js'
export {
  compareRecords,
  MAX_RECORD,
  MAX_SALT_AND_VALUE_BYTES,
  MAX_SALT_BYTES,
  MAX_VALUE_BYTES,
  namespaceOf,
  plainKey,
  plainRecord,
  readRecord,
  signedKey,
  signRecord,
  verifyRecord,
} from './value-record.js'
