import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from './seeded-random.js'
import { SimulatedStore } from './simulated-store.js'
import type { SimulatedChange } from './simulated-store-backend.js'
import type { SimulatedStoreFaults } from './simulated-store-faults.js'
import { VirtualClock } from './virtual-clock.js'

interface Desk {
  readonly clock: VirtualClock
  readonly store: SimulatedStore
  /** What `promise` comes to, moving the clock: its value, its error's code, or that it does not settle in 10 virtual seconds. */
  readonly outcome: (promise: Promise<unknown>) => Promise<unknown>
}

function desk(faults: Partial<SimulatedStoreFaults> = {}, seed: string | number = 'store'): Desk {
  const clock = new VirtualClock()
  const store = new SimulatedStore({ clock, random: new SeededRandom(seed), ...faults })
  const outcome = async (promise: Promise<unknown>): Promise<unknown> => {
    let result: unknown = 'never settles'
    promise.then(
      (value) => (result = value ?? 'done'),
      (error: { code?: string }) => (result = error.code),
    )
    await clock.advance(10_000)
    return result
  }
  return { clock, store, outcome }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined): string | undefined => value && new TextDecoder().decode(value)
const put = (key: string, value: string): SimulatedChange => ({ type: 'put', key: bytes(key), value: bytes(value) })

async function contents({ outcome }: Desk, store: SimulatedStore): Promise<string[]> {
  const found: string[] = []
  const walk = store.entries({ reverse: false })
  for (;;) {
    const chunk = (await outcome(walk.next())) as { key: Uint8Array; value: Uint8Array }[]
    if (chunk.length === 0) return found
    found.push(...chunk.map(({ key, value }) => `${text(key)}=${text(value)}`))
  }
}

describe('time', () => {
  it('passes for reads and syncs, by the seed', async () => {
    const { clock, store, outcome } = desk()
    let done = false
    const writing = store.batch([put('a', '1')]).then(() => (done = true))
    await clock.advance(0)
    expect(done).toBe(false)
    await outcome(writing)
    expect(done).toBe(true)
    const durations = async (seed: number): Promise<number[]> => {
      const { clock: own, store: other } = desk({}, seed)
      const found: number[] = []
      for (let n = 0; n < 5; n++) {
        let settled = false
        void other.batch([put('a', '1')]).then(() => (settled = true))
        await own.runUntil(() => settled)
        found.push(own.now())
      }
      return found
    }
    expect(await durations(1)).toEqual(await durations(1))
    expect(await durations(1)).not.toEqual(await durations(2))
  })

  it('is longer when a sync is slow', async () => {
    const { clock, store } = desk({ slowSyncs: 1, slowSyncMs: 500 })
    let done = false
    void store.batch([put('a', '1')]).then(() => (done = true))
    await clock.advance(499)
    expect(done).toBe(false)
    await clock.advance(100)
    expect(done).toBe(true)
  })

  it('takes batches one after the other', async () => {
    const { clock, store } = desk({ slowSyncs: 1, slowSyncMs: 100, syncMs: 0 })
    const order: number[] = []
    for (const n of [1, 2, 3]) void store.batch([put('a', `${n}`)]).then(() => order.push(n))
    await clock.advance(250)
    expect(order).toEqual([1, 2])
    await clock.advance(100)
    expect(order).toEqual([1, 2, 3])
  })
})

describe('a crash', () => {
  it('keeps what was acknowledged, and settles nothing any more', async () => {
    const at = desk({ survival: 0 })
    expect(await at.outcome(at.store.batch([put('a', '1')]))).toBe('done')
    const pending = at.store.batch([put('b', '1')])
    const reading = at.store.get(bytes('a'))
    await at.clock.advance(0)
    at.store.crash()
    expect(await at.outcome(pending)).toBe('never settles')
    expect(await at.outcome(reading)).toBe('never settles')
    expect(await at.outcome(at.store.get(bytes('a')))).toBe('STORE_CLOSED')
    expect(await contents(at, at.store.reopen())).toEqual(['a=1'])
    expect(at.store.counters).toMatchObject({ crashes: 1, synced: 1, lost: 1, survived: 0 })
  })

  it('may leave a batch that was never acknowledged, whole or not at all', async () => {
    const seen = new Set<string>()
    let torn = 0
    for (let seed = 0; seed < 40; seed++) {
      const at = desk({ survival: 0.5, tornWrites: 0.5 }, seed)
      void at.store.batch([put('a', '1'), put('b', '1')])
      await at.clock.advance(0)
      at.store.crash()
      seen.add((await contents(at, at.store.reopen())).join())
      torn += at.store.counters.torn
    }
    expect([...seen].sort()).toEqual(['', 'a=1,b=1'])
    expect(torn).toBeGreaterThan(0)
  })

  it('leaves nothing of batches that had not begun', async () => {
    const at = desk({ survival: 1 })
    for (const key of ['a', 'b', 'c']) void at.store.batch([put(key, '1')])
    await at.clock.advance(0)
    at.store.crash()
    expect(await contents(at, at.store.reopen())).toEqual(['a=1'])
  })

  it('needs a reopen, which needs an end', () => {
    const { store } = desk()
    expect(() => store.reopen()).toThrow(expect.objectContaining({ code: 'STORE_LOCKED' }))
    store.crash()
    store.crash()
    expect(store.counters.crashes).toBe(1)
    store.reopen()
  })
})

describe('faults', () => {
  it('a full disk refuses, keeps what it has, and takes again what fits', async () => {
    const at = desk({ capacityBytes: 100 })
    expect(await at.outcome(at.store.batch([put('a', 'x'.repeat(60))]))).toBe('done')
    expect(at.store.usedBytes).toBe(77)
    expect(await at.outcome(at.store.batch([put('b', 'x'.repeat(60))]))).toBe('STORE_FULL')
    expect(await contents(at, at.store)).toEqual([`a=${'x'.repeat(60)}`])
    at.store.change({ capacityBytes: 200 })
    expect(await at.outcome(at.store.batch([put('b', 'x'.repeat(60))]))).toBe('done')
    expect(await at.outcome(at.store.batch([{ type: 'delete', key: bytes('a') }]))).toBe('done')
    // What was deleted makes room.
    at.store.change({ capacityBytes: 160 })
    expect(await at.outcome(at.store.batch([put('c', 'x'.repeat(60))]))).toBe('done')
    expect(at.store.usedBytes).toBe(154)
  })

  it('reads and writes fail when they should', async () => {
    const at = desk({ readErrors: 1, writeErrors: 1 })
    expect(await at.outcome(at.store.batch([put('a', '1')]))).toBe('STORE_FAILED')
    expect(await at.outcome(at.store.get(bytes('a')))).toBe('STORE_FAILED')
    expect(await at.outcome(at.store.entries({ reverse: false }).next())).toBe('STORE_FAILED')
    at.store.change({ readErrors: 0 })
    expect(await contents(at, at.store)).toEqual([])
  })

  it('a batch whose sync failed is not seen, and shows after the next opening', async () => {
    for (const survival of [0, 1]) {
      const at = desk({ syncErrors: 1, survival })
      expect(await at.outcome(at.store.batch([put('a', '1')]))).toBe('STORE_FAILED')
      at.store.change({ syncErrors: 0 })
      expect(await at.outcome(at.store.batch([put('b', '1')]))).toBe('done')
      expect(await contents(at, at.store)).toEqual(['b=1'])
      await at.outcome(at.store.close())
      expect(await contents(at, at.store.reopen())).toEqual(survival === 1 ? ['a=1', 'b=1'] : ['b=1'])
    }
  })

  it('one bit of what is read is wrong, once', async () => {
    const at = desk()
    await at.outcome(at.store.batch([put('a', 'value')]))
    at.store.change({ flipsOnRead: 1 })
    const wrong = (await at.outcome(at.store.get(bytes('a')))) as Uint8Array
    expect(differingBits(wrong, bytes('value'))).toBe(1)
    at.store.change({ flipsOnRead: 0 })
    expect(await contents(at, at.store)).toEqual(['a=value'])
  })

  it('one bit at rest is wrong, and stays so', async () => {
    const at = desk()
    await at.outcome(at.store.batch([put('a', 'value'), put('b', '')]))
    expect(at.store.flipBit(bytes('b'))).toBeUndefined()
    expect(at.store.flipBit(bytes('c'))).toBeUndefined()
    expect(text(at.store.flipBit())).toBe('a')
    const now = (await at.outcome(at.store.get(bytes('a')))) as Uint8Array
    expect(differingBits(now, bytes('value'))).toBe(1)
    await at.outcome(at.store.close())
    expect(await at.outcome(at.store.reopen().get(bytes('a')))).toEqual(now)
  })

  it('a damaged log loses acknowledged batches, and the next opening says so', async () => {
    const at = desk()
    for (let n = 0; n < 6; n++) await at.outcome(at.store.batch([put(`${n}`, '')]))
    expect(at.store.loseBatches(2)).toBe(2)
    expect(await contents(at, at.store)).toHaveLength(6)
    at.store.crash()
    const next = at.store.reopen()
    expect(await contents(at, next)).toHaveLength(4)
    expect(next.damage).toEqual([{ file: 'log', text: expect.stringContaining('writes are lost') }])
    next.crash()
    expect(next.reopen().damage).toEqual([])
  })

  it('outside their range are refused', () => {
    const { store } = desk()
    expect(() => store.change({ survival: 1.1 })).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    expect(() => store.change({ syncMs: -1 })).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    expect(() => store.change({ readMs: Number.NaN })).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  })
})

it('tells a trace everything that came out of it', async () => {
  const events: unknown[][] = []
  const clock = new VirtualClock()
  const trace = { add: (...fields: unknown[]) => void events.push(fields) }
  const store = new SimulatedStore({ clock, random: new SeededRandom(1), trace, name: 'disk' })
  const writing = store.batch([put('a', '1')])
  await clock.advance(100)
  await writing
  store.crash()
  expect(events).toEqual([
    ['store', 'disk', 1, 'open', 0, 0],
    ['store', 'disk', 1, 'batch', 1, 18],
    ['store', 'disk', 1, 'crash'],
  ])
})

it('agrees with a map: what was acknowledged is there after any crash, and batches are there whole or not', async () => {
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('write' as const),
        keys: fc.uniqueArray(fc.nat({ max: 4 }), { minLength: 1 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat({ max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('crash' as const) }) },
  )
  const rates = fc.record({
    syncErrors: fc.constantFrom(0, 0.3),
    writeErrors: fc.constantFrom(0, 0.2),
    survival: fc.constantFrom(0, 0.5, 1),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), rates, fc.nat(), async (steps, faults, seed) => {
      const at = desk(faults, seed)
      let store = at.store
      // Every batch writes its number under each of its keys, and under a key of its own.
      const batches: { keys: readonly number[]; acknowledged: boolean }[] = []
      const check = async (): Promise<void> => {
        const found = new Map((await contents(at, store)).map((entry) => entry.split('=') as [string, string]))
        const model = new Map<string, string>()
        batches.forEach(({ keys, acknowledged }, number) => {
          const there = found.get(`own ${number}`) !== undefined
          expect(there || !acknowledged, `batch ${number} was acknowledged and is gone`).toBe(true)
          if (!there) return
          model.set(`own ${number}`, '')
          for (const key of keys) model.set(`key ${key}`, `${number}`)
        })
        expect([...found].sort()).toEqual([...model].sort())
      }
      for (const one of steps) {
        if (one.type === 'wait') await at.clock.advance(one.ms)
        else if (one.type === 'write') {
          const number = batches.length
          const batch = { keys: one.keys, acknowledged: false }
          batches.push(batch)
          const changes = [put(`own ${number}`, ''), ...one.keys.map((key) => put(`key ${key}`, `${number}`))]
          store.batch(changes).then(
            () => (batch.acknowledged = true),
            () => {},
          )
        } else {
          store.crash()
          store = store.reopen()
          await check()
        }
      }
      store.crash()
      store = store.reopen()
      await check()
    }),
    { numRuns: 150 },
  )
})

function differingBits(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length)
  let bits = 0
  a.forEach((byte, index) => {
    for (let rest = byte ^ (b[index] ?? 0); rest > 0; rest >>= 1) bits += rest & 1
  })
  return bits
}
