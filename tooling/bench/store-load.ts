/** What the `store` benchmark does, the same for everything that keeps bytes: writers that each wait until theirs is safe, and reads. */
import { randomFillSync } from 'node:crypto'
import type { Measure } from './side.js'
import { percentile } from './statistics.js'

const WRITERS = [1, 16, 256]
const READERS = 64
/** Entries that are there before the first read. */
const PREFILLED = 10_000
const PREFILL_BATCH = 1_000
/** An envelope with a short message. */
const VALUE_BYTES = 200
const SCAN = 1_000

export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** A way to keep entries. Without reads, writes alone are measured. */
export interface Keeper {
  /** Resolves when all of them would survive a power failure. */
  write(entries: readonly Entry[]): Promise<void>
  /** True: so many writers are one `write` of so many entries; false: one `write` of one entry each, at the same time. */
  readonly joinsWriters: boolean
  readonly reads?: {
    get(key: Uint8Array): Promise<Uint8Array | undefined>
    /** Walks up to `limit` entries from `from` on, and returns how many there were. */
    scan(from: Uint8Array, limit: number): Promise<number>
  }
}

export async function storeMeasures(keeper: Keeper): Promise<Record<string, Measure>> {
  const entries = new Entries()
  const measures: Record<string, Measure> = {}
  for (const writers of WRITERS) {
    measures[`write${writers}`] = ({ ms }) => writeRate(keeper, entries, writers, ms)
  }
  const { reads } = keeper
  if (reads === undefined) return measures
  for (let written = 0; written < PREFILLED; written += PREFILL_BATCH) {
    await keeper.write(Array.from({ length: PREFILL_BATCH }, () => entries.next()))
  }
  measures.get64 = async ({ ms }) => {
    const one = async (): Promise<void> => {
      const { key, value } = entries.any(PREFILLED)
      const found = await reads.get(key)
      if (found === undefined || Buffer.compare(found, value) !== 0) throw new Error('a value is gone or another one')
    }
    return { get64_per_s: (await repeat(READERS, ms, one)).perSecond }
  }
  measures.scan = async ({ ms }) => {
    const walk = async (): Promise<void> => {
      const found = await reads.scan(entries.any(PREFILLED - SCAN).key, SCAN)
      if (found !== SCAN) throw new Error(`a walk over ${SCAN} entries found ${found}`)
    }
    return { scan_per_s: (await repeat(1, ms, walk)).perSecond * SCAN }
  }
  return measures
}

async function writeRate(
  keeper: Keeper,
  entries: Entries,
  writers: number,
  ms: number,
): Promise<Record<string, number>> {
  const atOnce = keeper.joinsWriters ? writers : 1
  const write = (): Promise<void> => keeper.write(Array.from({ length: atOnce }, () => entries.next()))
  const { perSecond, times } = await repeat(keeper.joinsWriters ? 1 : writers, ms, write)
  const { key, value } = entries.last()
  const kept = keeper.reads === undefined ? value : await keeper.reads.get(key)
  if (kept === undefined || Buffer.compare(kept, value) !== 0) throw new Error('what was written last is not there')
  const rate = { [`write${writers}_per_s`]: perSecond * atOnce }
  return writers === 1
    ? { ...rate, write1_p50_ms: percentile(times, 0.5), write1_p99_ms: percentile(times, 0.99) }
    : rate
}

/** So many callers at the same time, each of which begins again when it is done, until the time is up. */
async function repeat(
  callers: number,
  ms: number,
  call: () => Promise<void>,
): Promise<{ perSecond: number; times: number[] }> {
  const times: number[] = []
  const started = performance.now()
  const caller = async (): Promise<void> => {
    for (let at = performance.now(); at - started < ms; ) {
      await call()
      const now = performance.now()
      times.push(now - at)
      at = now
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return { perSecond: (times.length * 1_000) / (performance.now() - started), times }
}

/** Numbered entries: keys rise, and values do not compress. */
class Entries {
  readonly #noise = randomFillSync(Buffer.alloc(1_048_576))
  #count = 0

  next(): Entry {
    this.#count += 1
    return this.#entry(this.#count)
  }

  last(): Entry {
    return this.#entry(this.#count)
  }

  /** One of the first `count`. */
  any(count: number): Entry {
    return this.#entry(1 + Math.floor(Math.random() * count))
  }

  #entry(number: number): Entry {
    const key = Buffer.alloc(8)
    key.writeUInt32BE(number, 4)
    const at = (number * 131) % (this.#noise.length - VALUE_BYTES)
    return { key, value: this.#noise.subarray(at, at + VALUE_BYTES) }
  }
}
