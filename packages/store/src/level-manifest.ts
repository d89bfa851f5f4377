/** Reads which files belong to the database: the manifest is a log of changes to that (db/version_edit.cc of LevelDB). */
import { LevelBytes } from './level-bytes.js'

export interface LevelFiles {
  /** Numbers of the tables. */
  readonly tables: ReadonlySet<number>
  /** Logs with a lower number are no longer needed. */
  readonly log: number
}

// Tags of the fields of one change; append-only in LevelDB.
const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG = 9

/** `undefined` when a record has an unknown form. */
export function readLevelManifest(records: readonly Uint8Array[]): LevelFiles | undefined {
  const tables = new Set<number>()
  let log = 0
  for (const record of records) {
    const bytes = new LevelBytes(record)
    while (!bytes.done) {
      const tag = bytes.varint()
      if (tag === COMPARATOR) bytes.take(bytes.varint())
      else if (tag === LOG_NUMBER) log = bytes.varint()
      else if (tag === NEXT_FILE || tag === LAST_SEQUENCE || tag === PREVIOUS_LOG) bytes.varint()
      else if (tag === COMPACT_POINTER) {
        bytes.varint()
        bytes.take(bytes.varint())
      } else if (tag === DELETED_FILE) {
        bytes.varint()
        tables.delete(bytes.varint())
      } else if (tag === NEW_FILE) {
        bytes.varint()
        tables.add(bytes.varint())
        bytes.varint()
        bytes.take(bytes.varint())
        bytes.take(bytes.varint())
      } else return undefined
    }
    if (bytes.failed) return undefined
  }
  return { tables, log }
}
