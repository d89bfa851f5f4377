/**
 * What a store must hold. Every write has a number and changes, atomically: a key of its own, some keys shared by all (with its number
 * as value), and sometimes it deletes the own key of an earlier one. So the store itself says which writes are in it.
 */
import { type Store, type StoreChange, StoreError, sequenceKey } from '@pc/store'
import type { SeededRandom } from '@pc/testkit'

type Check = (name: string, holds: boolean, details: string | (() => string)) => void

interface Write {
  readonly number: number
  readonly shared: readonly number[]
  readonly length: number
  /** The number of the write whose own key it deletes. */
  readonly deletes: number | undefined
  state: 'under way' | 'acknowledged' | 'rejected' | 'there' | 'not there'
}

const OWN = new TextEncoder().encode('own ')
const SHARED = new TextEncoder().encode('shared ')
const SHARED_KEYS = 8
/** Lengths around nothing and over several kilobytes. */
const MAX_LENGTH = 3_000

export class StoreModel {
  readonly #check: Check
  readonly #writes: Write[] = []
  /** Acknowledged, with their own key not deleted by any write. */
  readonly #undeleted = new Set<number>()
  /** Keys with a flipped bit at rest, and how many writes had an outcome by then. */
  readonly #flipped = new Map<string, ReadonlySet<Write>>()
  #reported = 0
  #rejected = 0
  #reads = 0

  constructor(check: Check) {
    this.#check = check
  }

  get figures(): Readonly<Record<string, number>> {
    const acknowledged = this.#writes.filter((write) => write.state === 'acknowledged').length
    return {
      writes: this.#writes.length,
      acknowledged,
      rejected: this.#rejected,
      reads: this.#reads,
      corrupt_reported: this.#reported,
    }
  }

  get underWay(): number {
    return this.#writes.filter((write) => write.state === 'under way').length
  }

  /** Draws a write, does it, and keeps what came of it; whether it was acknowledged. */
  async write(store: Store, random: SeededRandom): Promise<boolean> {
    const candidates = random.float() < 0.2 ? [...this.#undeleted] : []
    const deletes = candidates.length === 0 ? undefined : random.pick(candidates)
    const shared = Array.from({ length: random.integer(0, 3) }, () => random.integer(0, SHARED_KEYS - 1))
    const length = Math.floor(MAX_LENGTH * random.float() ** 3)
    return await this.#perform(store, { number: this.#writes.length, shared, length, deletes, state: 'under way' })
  }

  /** The life is over: what was under way may be there or not. */
  crashed(): void {
    for (const write of this.#writes) if (write.state === 'under way') write.state = 'rejected'
  }

  /** A bit of this key's value was flipped at rest. */
  flipped(key: Uint8Array): void {
    this.#flipped.set(hex(key), new Set(this.#writes.filter((write) => write.state === 'acknowledged')))
  }

  /** Reads one key during a life: right, or an error; never wrong, never less than was acknowledged. */
  async readOne(store: Store, random: SeededRandom): Promise<void> {
    this.#reads += 1
    const own = [...this.#undeleted]
    if (own.length > 0 && random.float() < 0.5) {
      const number = random.pick(own)
      const value = await this.#read(store, sequenceKey(OWN, number))
      const write = this.#writes[number]
      if (value === 'error' || write === undefined || (value === undefined && !this.#undeleted.has(number))) return
      this.#check(
        'a read gives what was acknowledged',
        isOwn(write, value),
        () => `write ${number} reads ${brief(value)}`,
      )
      return
    }
    const shared = random.integer(0, SHARED_KEYS - 1)
    const least = this.#last(shared, (write) => write.state === 'acknowledged' || write.state === 'there')
    const value = await this.#read(store, sequenceKey(SHARED, shared))
    if (value === 'error') return
    const number = value === undefined ? -1 : numberIn(value)
    const whole = number === -1 || this.#writes[number]?.shared.includes(shared) === true
    this.#check('a shared key holds what a write put there', whole, () => `key ${shared} reads ${brief(value)}`)
    this.#check('a read is not older than what was acknowledged', number >= least, () => `${number} before ${least}`)
  }

  /** Right after opening, on a disk that works: everything. */
  async checkAll(store: Store): Promise<void> {
    this.#check('nothing of the log is dropped', store.damage.length === 0, () => JSON.stringify(store.damage))
    const reported = new Set<string>()
    const found = new Map<string, Uint8Array>()
    const onCorrupt = (error: StoreError): void => {
      if (error.key !== undefined) reported.add(hex(error.key))
    }
    for await (const { key, value } of store.entries({ onCorrupt })) found.set(hex(key), value)
    this.#reported += reported.size
    this.#decide((key) => found.has(key) || reported.has(key))
    const expected = this.#replay()
    for (const [key, write] of expected) {
      if (reported.has(key)) continue
      const value = found.get(key)
      const right = key.startsWith(hex(OWN))
        ? isOwn(write, value)
        : value !== undefined && numberIn(value) === write.number
      this.#check(
        'the store holds what the model says',
        right,
        () => `${key} of write ${write.number} is ${brief(value)}`,
      )
    }
    for (const key of found.keys()) {
      this.#check('the store holds nothing else', expected.has(key), () => `${key} should not be there`)
    }
    for (const key of reported) {
      this.#check('only damage is reported as damage', this.#flipped.has(key), () => `${key} was never flipped`)
    }
    for (const [key, before] of this.#flipped) {
      const writer = expected.get(key)
      const excused = writer === undefined || !before.has(writer)
      this.#check('every flipped bit is reported', excused || reported.has(key), () => `${key} was flipped`)
    }
  }

  /** Writes what is damaged anew. */
  async mend(store: Store): Promise<void> {
    for (const key of this.#flipped.keys()) {
      const number = numberIn(Buffer.from(key, 'hex').subarray(-8))
      const isOwnKey = key.startsWith(hex(OWN))
      const next = { number: this.#writes.length, length: 0, state: 'under way' as const }
      const gone = isOwnKey && !this.#undeleted.has(number)
      if (gone) continue
      const done = await this.#perform(store, {
        ...next,
        shared: isOwnKey ? [] : [number],
        deletes: isOwnKey ? number : undefined,
      })
      this.#check('what was damaged can be written anew', done, () => key)
    }
    this.#flipped.clear()
  }

  async #perform(store: Store, write: Write): Promise<boolean> {
    this.#writes.push(write)
    if (write.deletes !== undefined) this.#undeleted.delete(write.deletes)
    try {
      await store.write(changesOf(write))
    } catch (error) {
      const code = error instanceof StoreError ? error.code : 'another error'
      const expected = ['STORE_FULL', 'STORE_FAILED', 'STORE_CLOSED'].includes(code)
      this.#check('a write is refused with a code', expected, () => `${code}: ${String(error)}`)
      write.state = 'rejected'
      this.#rejected += 1
      return false
    }
    write.state = 'acknowledged'
    this.#undeleted.add(write.number)
    return true
  }

  async #read(store: Store, key: Uint8Array): Promise<Uint8Array | undefined | 'error'> {
    try {
      return await store.get(key)
    } catch (error) {
      const code = error instanceof StoreError ? error.code : 'another error'
      const expected = ['STORE_CORRUPT', 'STORE_FAILED', 'STORE_CLOSED'].includes(code)
      this.#check('a read fails with a code', expected, () => `${code}: ${String(error)}`)
      return 'error'
    }
  }

  /** Writes that were not acknowledged are in the store when their own key is; that is settled from here on. */
  #decide(isThere: (key: string) => boolean): void {
    for (const write of this.#writes) {
      if (write.state !== 'rejected') continue
      write.state = isThere(hex(sequenceKey(OWN, write.number))) ? 'there' : 'not there'
    }
  }

  /** The keys that must be there, each with the write whose value it has. */
  #replay(): Map<string, Write> {
    const keys = new Map<string, Write>()
    this.#undeleted.clear()
    for (const write of this.#writes) {
      if (write.state !== 'acknowledged' && write.state !== 'there') continue
      keys.set(hex(sequenceKey(OWN, write.number)), write)
      this.#undeleted.add(write.number)
      for (const shared of write.shared) keys.set(hex(sequenceKey(SHARED, shared)), write)
      if (write.deletes === undefined) continue
      keys.delete(hex(sequenceKey(OWN, write.deletes)))
      this.#undeleted.delete(write.deletes)
    }
    return keys
  }

  #last(shared: number, holds: (write: Write) => boolean): number {
    return this.#writes.findLastIndex((write) => holds(write) && write.shared.includes(shared))
  }
}

function changesOf(write: Write): StoreChange[] {
  const number = sequenceKey(new Uint8Array(), write.number)
  return [
    { type: 'put', key: sequenceKey(OWN, write.number), value: new Uint8Array(write.length).fill(write.number) },
    ...write.shared.map((key) => ({ type: 'put' as const, key: sequenceKey(SHARED, key), value: number })),
    ...(write.deletes === undefined ? [] : [{ type: 'delete' as const, key: sequenceKey(OWN, write.deletes) }]),
  ]
}

function isOwn(write: Write, value: Uint8Array | undefined): boolean {
  return value?.length === write.length && value.every((byte) => byte === (write.number & 0xff))
}

function numberIn(bytes: Uint8Array): number {
  return bytes.length < 8 ? Number.NaN : Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0))
}

function brief(value: Uint8Array | undefined): string {
  return value === undefined ? 'missing' : `${value.length} bytes ${hex(value.subarray(0, 12))}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
