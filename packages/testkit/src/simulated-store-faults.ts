import { TestkitError } from './errors.js'

/** How a simulated store behaves; change it at any time with `store.change()`. Probabilities are 0 to 1. */
export interface SimulatedStoreFaults {
  /** Mean time of a read in ms, exponential; a chunk of a range read counts as one. @default 0.05 */
  readMs: number
  /** Mean time of a synced batch in ms, exponential: what an SSD takes. @default 0.3 */
  syncMs: number
  /** Probability that a sync takes `slowSyncMs` more, as when the disk collects garbage. @default 0 */
  slowSyncs: number
  /** @default 200 */
  slowSyncMs: number
  /** Probability that a read rejects with STORE_FAILED. @default 0 */
  readErrors: number
  /** Probability that nothing of a batch can be written: STORE_FAILED. @default 0 */
  writeErrors: number
  /** Probability that the sync of a batch fails: STORE_FAILED, and it shows after the next opening whether it is there. @default 0 */
  syncErrors: number
  /** Probability that one bit of a value that is read is wrong this once: bad memory, bad cable. @default 0 */
  flipsOnRead: number
  /** Probability that a batch that was not synced is there after a crash all the same. @default 0.3 */
  survival: number
  /** Probability that one which is not there left a broken tail, which the reader of the log drops. @default 0.8 */
  tornWrites: number
  /** Bytes that fit, keys and values with 16 bytes for each entry; deletions need space too. Beyond: STORE_FULL. @default no limit */
  capacityBytes: number
}

const DEFAULTS: SimulatedStoreFaults = {
  readMs: 0.05,
  syncMs: 0.3,
  slowSyncs: 0,
  slowSyncMs: 200,
  readErrors: 0,
  writeErrors: 0,
  syncErrors: 0,
  flipsOnRead: 0,
  survival: 0.3,
  tornWrites: 0.8,
  capacityBytes: Number.POSITIVE_INFINITY,
}

/** The names that are probabilities; the others are amounts. */
const PROBABILITIES = [
  'slowSyncs',
  'readErrors',
  'writeErrors',
  'syncErrors',
  'flipsOnRead',
  'survival',
  'tornWrites',
] as const satisfies readonly (keyof SimulatedStoreFaults)[]

/** `changes` over `from`, or over the defaults. @throws TestkitError BAD_ARGUMENT */
export function storeFaults(
  changes: Partial<SimulatedStoreFaults>,
  from: SimulatedStoreFaults = DEFAULTS,
): SimulatedStoreFaults {
  const faults = { ...from }
  for (const name of Object.keys(DEFAULTS) as (keyof SimulatedStoreFaults)[]) {
    const value = changes[name]
    if (value === undefined) continue
    const most = PROBABILITIES.some((probability) => probability === name) ? 1 : Number.POSITIVE_INFINITY
    if (!(value >= 0 && value <= most)) {
      throw new TestkitError('BAD_ARGUMENT', `${name} must be a number from 0 to ${most}, got ${value}`)
    }
    faults[name] = value
  }
  return faults
}
