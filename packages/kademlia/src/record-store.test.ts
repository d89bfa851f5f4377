import { createIdentity } from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { RECORD_TTL_MS, RecordStore, type RecordStoreOptions } from './record-store.js'
import {
  type DhtRecord,
  type PlainRecord,
  plainRecord,
  readRecord,
  type SignedRecord,
  signedKey,
  signRecord,
  verifyRecord,
} from './value-record.js'

const MINUTE = 60_000
const OWN = new Uint8Array(32)
const NEAR = { from: 'ben', now: 0 }
const anna = createIdentity(new Uint8Array(32).fill(1))

function storeWith(options: Partial<RecordStoreOptions> = {}): RecordStore {
  return new RecordStore({ position: OWN, verify: () => true, random: new SeededRandom(1), ...options })
}

/** A plain record at that distance from this peer, which stands at zero: tiny keys make XOR readable. */
function plainAt(distance: number, length = 10): PlainRecord {
  const key = new Uint8Array(32)
  key[31] = distance & 0xff
  key[30] = distance >> 8
  return { type: 'plain', key, value: new Uint8Array(length), bytes: new Uint8Array(length).fill(distance) }
}

/** Not signed: what the store asks `verify` about. */
function signedBy(author: number, salt: string, sequence = 0, value = 'x'): SignedRecord {
  const fields = {
    author: new Uint8Array(32).fill(author),
    salt: Buffer.from(salt),
    sequence,
    value: Buffer.from(value),
  }
  const bytes = Buffer.from(`${author} ${salt} ${sequence} ${value}`)
  return { type: 'signed', ...fields, key: signedKey(fields.author, fields.salt), signature: new Uint8Array(64), bytes }
}

const refusalOf = (outcome: unknown): unknown => (outcome as { refused?: unknown }).refused ?? outcome

describe('RecordStore', () => {
  it('gives what was stored, for 2 hours', () => {
    const store = storeWith()
    const record = plainRecord(Buffer.from('a'))
    expect(store.get(record.key, 0)).toBeUndefined()
    expect(store.store(record, NEAR)).toBe('stored')
    expect([store.size, store.bytes]).toEqual([1, record.bytes.length])
    expect(store.get(Uint8Array.from(record.key), RECORD_TTL_MS - 1)).toBe(record)
    expect(store.get(record.key, RECORD_TTL_MS)).toBeUndefined()
    expect([store.expire(RECORD_TTL_MS - 1), store.expire(RECORD_TTL_MS)]).toEqual([0, 1])
    expect([store.size, store.bytes, store.dueAt]).toEqual([0, 0, Number.POSITIVE_INFINITY])
  })

  it('BEP 44: the same record again renews, without its signature being looked at', () => {
    let asked = 0
    const store = storeWith({ verify: () => ++asked > 0 })
    const record = signedBy(1, 'a')
    store.store(record, NEAR)
    expect(store.store({ ...record, bytes: Uint8Array.from(record.bytes) }, { ...NEAR, now: MINUTE })).toBe('renewed')
    expect(asked).toBe(1)
    expect(store.get(record.key, RECORD_TTL_MS)).toBe(record)
    expect(store.get(record.key, RECORD_TTL_MS + MINUTE)).toBeUndefined()
  })

  it('BEP 44: a greater sequence replaces; a lower one is refused and told of the newer record', () => {
    const store = storeWith()
    const [first, second] = [signedBy(1, 'a', 1), signedBy(1, 'a', 2, 'longer')]
    expect([store.store(first, NEAR), store.store(second, NEAR)]).toEqual(['stored', 'stored'])
    expect(store.store(first, NEAR)).toEqual({ refused: 'older', newer: second })
    expect([store.size, store.bytes, store.get(first.key, 0)]).toEqual([1, second.bytes.length, second])
  })

  it('of two values with one sequence keeps the greater', () => {
    const [a, b] = [signedBy(1, 's', 1, 'a'), signedBy(1, 's', 1, 'b')]
    const store = storeWith()
    expect([store.store(a, NEAR), store.store(b, NEAR)]).toEqual(['stored', 'stored'])
    expect(store.store(a, NEAR)).toEqual({ refused: 'older', newer: b })
  })

  it('BEP 44: compare-and-set replaces only the sequence that was expected, and can be sent again', () => {
    const store = storeWith()
    const set = (sequence: number, expectedSequence: number) =>
      store.store(signedBy(1, 'a', sequence), { ...NEAR, expectedSequence })
    expect(set(5, 4)).toBe('stored')
    expect(set(7, 6)).toEqual({ refused: 'conflict', newer: signedBy(1, 'a', 5) })
    expect(set(7, 5)).toBe('stored')
    expect(set(7, 5)).toBe('renewed')
  })

  it('keeps 16 records of one author, and lets them be replaced', () => {
    const store = storeWith()
    for (let salt = 0; salt < 16; salt++) expect(store.store(signedBy(1, `${salt}`), NEAR)).toBe('stored')
    expect(store.store(signedBy(1, '16'), { from: 'carl', now: 0 })).toEqual({ refused: 'quota' })
    expect(store.store(signedBy(1, '3', 1), NEAR)).toBe('stored')
    expect(store.store(signedBy(2, '16'), NEAR)).toBe('stored')
    store.expire(RECORD_TTL_MS)
    const again = Array.from({ length: 17 }, (_, salt) =>
      refusalOf(store.store(signedBy(1, `${salt}`), { from: 'ben', now: RECORD_TTL_MS })),
    )
    expect(again).toEqual([...Array.from({ length: 16 }, () => 'stored'), 'quota'])
  })

  it('keeps 256 plain records that one peer brought', () => {
    const store = storeWith()
    const stored = Array.from({ length: 257 }, (_, distance) => store.store(plainAt(distance), NEAR))
    expect(stored.filter((outcome) => outcome === 'stored')).toHaveLength(256)
    expect(stored.at(-1)).toEqual({ refused: 'quota' })
    expect(store.store(plainAt(256), { from: 'carl', now: 0 })).toBe('stored')
  })

  it('asks the validator of the first segment of the salt, and says why not', () => {
    const short = ({ value }: DhtRecord): string | undefined => (value.length > 1 ? 'too long' : undefined)
    const store = storeWith({ validators: new Map([['name', short]]) })
    expect(store.store(signedBy(1, 'name:a', 0, 'xx'), NEAR)).toEqual({ refused: 'invalid', why: 'too long' })
    for (const [salt, value] of [
      ['name:a', 'x'],
      ['names:a', 'xx'],
      ['a:name', 'xx'],
    ] as const) {
      expect(store.store(signedBy(1, salt, 0, value), NEAR)).toBe('stored')
    }
  })

  it('looks at the signature last, and only if all else is right', () => {
    const asked: string[] = []
    const store = storeWith({
      maxRecords: 2,
      maxPerAuthor: 1,
      validators: new Map([['name', () => (asked.push('validator') > 0 ? undefined : '')]]),
      verify: (record) => asked.push('signature') > 0 && record.type === 'plain',
    })
    const refused = (record: DhtRecord, rest: object = {}) => refusalOf(store.store(record, { ...NEAR, ...rest }))
    expect(refused(signedBy(1, 'name:a', 1))).toBe('bad-signature')
    expect(asked.splice(0)).toEqual(['validator', 'signature'])
    for (const distance of [1, 2]) store.store(plainAt(distance), NEAR)
    asked.length = 0
    expect(refused(signedBy(1, 'name:a', 1))).toBe('full')
    expect(refused({ ...signedBy(1, 'name:a', 1), bytes: new Uint8Array(1_131) })).toBe('oversized')
    expect(refused(signedBy(1, 'name:a', 1), { ageMs: RECORD_TTL_MS })).toBe('expired')
    expect(refused({ ...plainAt(1), bytes: Uint8Array.of(1) })).toBe('older')
    expect(asked).toEqual([])
  })
})

describe('a full store', () => {
  it('evicts what is farthest from this peer, and refuses what is as far or farther', () => {
    const store = storeWith({ maxRecords: 3 })
    for (const distance of [30, 10, 20]) store.store(plainAt(distance), NEAR)
    expect(store.store(plainAt(31), NEAR)).toEqual({ refused: 'full' })
    expect(store.store(plainAt(15), NEAR)).toBe('stored')
    expect([10, 15, 20, 30].map((distance) => store.get(plainAt(distance).key, 0) !== undefined)).toEqual([
      true,
      true,
      true,
      false,
    ])
    expect([store.size, store.bytes]).toEqual([3, 30])
  })

  it('makes room by bytes too, of several records if need be, or changes nothing', () => {
    const store = storeWith({ maxBytes: 100 })
    for (const distance of [10, 20, 30]) store.store(plainAt(distance, 30), NEAR)
    expect(store.store(plainAt(5, 50), NEAR)).toBe('stored')
    expect([store.size, store.bytes]).toEqual([2, 80])
    expect(store.store(plainAt(7, 96), NEAR)).toEqual({ refused: 'full' })
    expect([store.size, store.bytes, store.get(plainAt(10).key, 0)?.bytes.length]).toEqual([2, 80, 30])
  })

  it('evicts nobody for a record that its author did not sign', () => {
    const store = storeWith({ maxRecords: 1, verify: ({ type }) => type === 'plain' })
    const far = plainAt(0)
    far.key.fill(0xff)
    store.store(far, NEAR)
    expect(store.store(signedBy(1, 'a'), NEAR)).toEqual({ refused: 'bad-signature' })
    expect(store.get(far.key, 0)).toBe(far)
  })

  it('lets a record be replaced by a longer one of its key, evicting others and not itself twice', () => {
    const store = storeWith({ maxBytes: 60 })
    const [short, long] = [signedBy(1, 's', 1), signedBy(1, 's', 2, 'x'.repeat(30))]
    const far = plainAt(0, 45)
    far.key.fill(0xff)
    store.store(short, NEAR)
    store.store(far, NEAR)
    expect(store.store(long, NEAR)).toBe('stored')
    expect([store.size, store.bytes, store.get(far.key, 0)]).toEqual([1, long.bytes.length, undefined])
  })

  it('keeps a record that is the farthest of all when there is no room for a longer one of its key', () => {
    const store = storeWith({ maxBytes: 60 })
    const [short, long] = [signedBy(1, 's', 1, 'x'.repeat(14)), signedBy(1, 's', 2, 'x'.repeat(24))]
    store.store(short, NEAR)
    store.store(plainAt(1, 35), NEAR)
    expect(store.store(long, NEAR)).toEqual({ refused: 'full' })
    expect([store.size, store.get(short.key, 0)]).toEqual([2, short])
  })
})

describe('what others try to store, K7', () => {
  it('10,000 unsigned, replayed, older and oversized records are refused, and leave every size as it was', () => {
    const store = storeWith({ verify: (record) => verifyRecord(record, anna.id) })
    const signed = (salt: number, sequence: number) =>
      signRecord(anna, { salt: Uint8Array.of(salt), sequence, value: Buffer.from('x') })
    const forged = (salt: number): DhtRecord => {
      const bytes = Uint8Array.from(signed(salt, 10).bytes)
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      return readRecord(bytes)
    }
    for (let salt = 0; salt < 8; salt++) store.store(signed(salt, 9), NEAR)
    const sizes = [store.size, store.bytes]
    const bad = [signed(0, 8), plainAt(5, 1_131), forged(1), forged(200), signed(2, 9)]
    const counts = new Map<unknown, number>()
    for (let round = 0; round < 10_000; round++) {
      const outcome = refusalOf(store.store(bad[round % 5] ?? plainAt(0), { from: `${round}`, now: 0 }))
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
      expect([store.size, store.bytes]).toEqual(sizes)
    }
    expect(Object.fromEntries(counts)).toEqual({
      older: 2_000,
      oversized: 2_000,
      'bad-signature': 4_000,
      renewed: 2_000,
    })
  })

  it('10,000 good ones of 250 authors fill it to its limit, and no further', () => {
    const store = storeWith({ maxRecords: 100, maxBytes: 5_000 })
    for (let index = 0; index < 10_000; index++) {
      const record = signedBy(index % 250, `${index}`, index)
      store.store(record, { from: `${index}`, now: index })
      expect(store.size).toBeLessThanOrEqual(100)
      expect(store.bytes).toBeLessThanOrEqual(5_000)
    }
    expect(store.size).toBe(100)
    expect(store.expire(10_000 + RECORD_TTL_MS)).toBe(100)
    expect([store.size, store.bytes, store.dueAt]).toEqual([0, 0, Number.POSITIVE_INFINITY])
  })
})

describe('passing records on, §2.5', () => {
  it('is due 60 to 72 minutes after the last store, once, and told how old the record is', () => {
    const store = storeWith()
    for (let distance = 0; distance < 200; distance++) store.store(plainAt(distance), NEAR)
    expect(store.dueForReplication(60 * MINUTE - 1, 999)).toEqual([])
    const half = store.dueForReplication(66 * MINUTE, 999)
    expect(half.length).toBeGreaterThan(60)
    expect(half.length).toBeLessThan(140)
    expect(half[0]?.ageMs).toBe(66 * MINUTE)
    expect(store.dueForReplication(72 * MINUTE, 999)).toHaveLength(200 - half.length)
    expect(store.dueForReplication(72 * MINUTE, 999)).toEqual([])
  })

  it('is given a few at a time, and waits anew after every store of that record', () => {
    const store = storeWith()
    for (const distance of [1, 2, 3]) store.store(plainAt(distance), NEAR)
    store.store(plainAt(1), { ...NEAR, now: 50 * MINUTE })
    const at72 = [1, 1, 1].map((limit) => store.dueForReplication(72 * MINUTE, limit).length)
    expect(at72).toEqual([1, 1, 0])
    expect(store.dueForReplication(109 * MINUTE, 9)).toEqual([])
  })

  it('does not keep records alive: they end 2 hours after the author published, however often holders pass them on', () => {
    const [a, b] = [storeWith(), storeWith({ random: new SeededRandom(2) })]
    const record = plainRecord(Buffer.from('a'))
    a.store(record, NEAR)
    let last = 0
    for (let now = 0; now < 10 * RECORD_TTL_MS; now += MINUTE) {
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        for (const { record: each, ageMs } of from.dueForReplication(now, 9)) to.store(each, { from: 'x', now, ageMs })
      }
      if (a.get(record.key, now) !== undefined || b.get(record.key, now) !== undefined) last = now
    }
    expect(last).toBe(RECORD_TTL_MS - MINUTE)
    expect(a.store(record, { from: 'x', now: 1e9, ageMs: RECORD_TTL_MS })).toEqual({ refused: 'expired' })
  })

  it('never shortens a life: what says it is older than what is held renews nothing but the hour', () => {
    const store = storeWith()
    const record = plainAt(1)
    store.store(record, NEAR)
    expect(store.store(record, { from: 'x', now: MINUTE, ageMs: 60 * MINUTE })).toBe('renewed')
    expect(store.get(record.key, RECORD_TTL_MS - 1)).toBe(record)
    expect(store.store(record, { from: 'x', now: MINUTE, ageMs: -99 * MINUTE })).toBe('renewed')
    expect(store.get(record.key, RECORD_TTL_MS + MINUTE)).toBeUndefined()
  })

  it('gives all that lives, nearest first, with its age', () => {
    const store = storeWith()
    for (const distance of [3, 1, 2]) store.store(plainAt(distance), { ...NEAR, ageMs: distance })
    expect([...store.all(5)].map(({ record, ageMs }) => [record.key[31], ageMs])).toEqual([
      [1, 6],
      [2, 7],
      [3, 8],
    ])
    expect([...store.all(RECORD_TTL_MS - 2)].map(({ record }) => record.key[31])).toEqual([1])
  })
})
