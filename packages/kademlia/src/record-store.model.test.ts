import { SeededRandom } from '@pc/testkit'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RECORD_TTL_MS, RecordStore } from './record-store.js'
import type { DhtRecord, SignedRecord } from './value-record.js'

const [MAX_RECORDS, MAX_BYTES, PER_AUTHOR, PER_GIVER] = [6, 100, 3, 2]
const STEP_MS = RECORD_TTL_MS / 8

interface Kept {
  record: DhtRecord
  giver: string
  endsAt: number
}

/** The rules once more, without any index: everything is a list that is walked. */
class NaiveStore {
  kept: Kept[] = []

  store(record: DhtRecord, giver: string, good: boolean, now: number, ageMs: number): string {
    this.kept = this.kept.filter(({ endsAt }) => endsAt > now)
    const endsAt = now - ageMs + RECORD_TTL_MS
    if (endsAt <= now) return 'expired'
    const held = this.kept.find((each) => distance(each) === (record.key[31] ?? 0))
    if (held !== undefined && Buffer.compare(held.record.bytes, record.bytes) === 0) {
      held.endsAt = Math.max(held.endsAt, endsAt)
      return 'renewed'
    }
    if (held !== undefined && !counts(record, held.record)) return 'older'
    const alike = this.kept.filter((each) => payer(each.record, each.giver) === payer(record, giver))
    if (held === undefined && alike.length >= (record.type === 'signed' ? PER_AUTHOR : PER_GIVER)) return 'quota'
    let next = [...this.kept.filter((each) => each !== held), { record, giver, endsAt }]
    while (next.length > MAX_RECORDS || sum(next) > MAX_BYTES) {
      const farthest = next.reduce((a, b) => (distance(b) > distance(a) ? b : a))
      if (farthest.record === record) return 'full'
      next = next.filter((each) => each !== farthest)
    }
    if (!good) return 'bad-signature'
    this.kept = next
    return 'stored'
  }
}

const distance = ({ record }: Kept): number => record.key[31] ?? 0
const sum = (all: readonly Kept[]): number => all.reduce((bytes, { record }) => bytes + record.bytes.length, 0)
const payer = (record: DhtRecord, giver: string): string =>
  record.type === 'signed' ? `author ${record.author[0]}` : `giver ${giver}`

function counts(a: DhtRecord, b: DhtRecord): boolean {
  if (a.type === 'plain' || b.type === 'plain') return false
  return a.sequence > b.sequence || (a.sequence === b.sequence && Buffer.compare(a.value, b.value) > 0)
}

/** Even keys are plain records, odd ones signed: a key is of one kind, of one author. */
function recordAt(place: number, sequence: number, length: number): DhtRecord {
  const key = new Uint8Array(32)
  key[31] = place
  if (place % 2 === 0) return { type: 'plain', key, value: key, bytes: new Uint8Array(5 + place).fill(place) }
  const value = new Uint8Array(length)
  const bytes = new Uint8Array(10 + length).fill(sequence)
  const signed: SignedRecord = {
    type: 'signed',
    key,
    value,
    bytes,
    sequence,
    author: key.fill(place % 4, 0, 1),
    salt: value,
    signature: value,
  }
  return { ...signed, key: Uint8Array.from(key.fill(0, 0, 1)), author: Uint8Array.of(place % 4) }
}

const step = fc.record({
  place: fc.nat(20),
  sequence: fc.nat(3),
  length: fc.nat(30),
  giver: fc.constantFrom('ben', 'carl'),
  good: fc.boolean(),
  wait: fc.nat(2),
  age: fc.constantFrom(0, 0, 1, 4, 8),
})

it('a store does as one that walks lists does: life, quotas, eviction, order, sizes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [naive, random] = [new NaiveStore(), new SeededRandom(1)]
      let [good, now] = [true, 0]
      const options = { maxRecords: MAX_RECORDS, maxBytes: MAX_BYTES, maxPerAuthor: PER_AUTHOR, maxPerGiver: PER_GIVER }
      const store = new RecordStore({ position: new Uint8Array(32), verify: () => good, random, ...options })
      for (const { place, sequence, length, giver, wait, age, ...rest } of steps) {
        now += wait * STEP_MS
        good = rest.good
        const record = recordAt(place, sequence, length)
        const outcome = store.store(record, { from: giver, now, ageMs: age * STEP_MS })
        const expected = naive.store(record, giver, good, now, age * STEP_MS)
        expect(typeof outcome === 'string' ? outcome : outcome.refused).toBe(expected)
        expect([store.size, store.bytes]).toEqual([naive.kept.length, sum(naive.kept)])
      }
      for (let later = now; store.size > 0; later += STEP_MS) {
        const living = naive.kept.filter(({ endsAt }) => endsAt > later)
        store.expire(later)
        expect(store.size).toBe(living.length)
        for (const { record } of living) expect(store.get(record.key, later)).toBe(record)
      }
    }),
    { numRuns: 300 },
  )
})
