/** What every store keeps to, whatever it stands on. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { STORE_LIMITS, type Store, type StoreBackend, StoreError } from '../src/index.js'
import { sealValue } from '../src/value-format.js'
import { bytes, text } from './_util/bytes.js'
import type { Place } from './_util/places.js'
import { codeOf, del, put, read } from './_util/read.js'

export function storeContract(name: string, makePlace: () => Promise<Place>): void {
  describe(`a store on ${name}`, () => {
    let place: Place
    let store: Store

    beforeEach(async () => {
      place = await makePlace()
      store = await place.open()
    })

    afterEach(async () => {
      await store.close()
      await place.remove()
    })

    async function reopen(): Promise<void> {
      await store.close()
      store = await place.open()
    }

    async function behindItsBack(act: (backend: StoreBackend) => Promise<void>): Promise<void> {
      await store.close()
      const backend = await place.backend()
      await act(backend)
      await backend.close()
      store = await place.open()
    }

    describe('writes and reads', () => {
      it('gives back what was written, and nothing where nothing was', async () => {
        await store.write([put('a', 'apple'), put('b', '')])
        expect(text(await store.get(bytes('a')))).toBe('apple')
        expect(await store.get(bytes('b'))).toEqual(new Uint8Array())
        expect(await store.get(bytes('c'))).toBeUndefined()
      })

      it('keeps everything over closing and opening', async () => {
        await store.write([put('a', '1'), put('b', '2')])
        await store.write([del('a')])
        await reopen()
        expect(await read(store)).toEqual(['b=2'])
        expect(store.damage).toEqual([])
      })

      it('applies the changes of one write in order', async () => {
        await store.write([put('a', '1'), del('a'), put('b', '1'), put('b', '2'), del('c'), put('c', '3')])
        expect(await read(store)).toEqual(['b=2', 'c=3'])
      })

      it('applies concurrent writes in the order of the calls', async () => {
        const writes = Array.from({ length: 200 }, (_, n) =>
          store.write([put('last', `${n}`), put(`n${n % 7}`, `${n}`)]),
        )
        await Promise.all(writes)
        expect(text(await store.get(bytes('last')))).toBe('199')
        expect(text(await store.get(bytes('n3')))).toBe('199')
      })

      it('lets the caller change its byte arrays at once, and owns none of those it gave', async () => {
        const key = bytes('key')
        const value = bytes('value')
        const writing = store.write([{ type: 'put', key, value }])
        key.fill(0)
        value.fill(0)
        await writing
        const mine = await store.get(bytes('key'))
        expect(text(mine)).toBe('value')
        mine?.fill(0)
        for await (const entry of store.entries()) entry.value.fill(0)
        expect(text(await store.get(bytes('key')))).toBe('value')
      })

      it('has room for the longest key and value, and not for one byte more', async () => {
        const key = new Uint8Array(STORE_LIMITS.keyBytes).fill(7)
        const value = new Uint8Array(STORE_LIMITS.valueBytes).fill(9)
        await store.write([{ type: 'put', key, value }])
        expect(Buffer.compare((await store.get(key)) ?? bytes(''), value)).toBe(0)
        const longKey = new Uint8Array(STORE_LIMITS.keyBytes + 1)
        const longValue = new Uint8Array(STORE_LIMITS.valueBytes + 1)
        expect(await codeOf(store.write([{ type: 'put', key: longKey, value }]))).toBe('BAD_ARGUMENT')
        expect(await codeOf(store.write([{ type: 'put', key, value: longValue }]))).toBe('BAD_ARGUMENT')
        expect(await codeOf(store.get(longKey))).toBe('BAD_ARGUMENT')
        expect(await codeOf(store.get(new Uint8Array()))).toBe('BAD_ARGUMENT')
        const nine = Array.from({ length: 9 }, (_, n) => ({ type: 'put' as const, key: Uint8Array.of(n), value }))
        expect(await codeOf(store.write(nine))).toBe('BAD_ARGUMENT')
        const many = Array.from({ length: STORE_LIMITS.changes + 1 }, () => del('x'))
        expect(await codeOf(store.write(many))).toBe('BAD_ARGUMENT')
        expect(await codeOf(store.write([{ type: 'patch' } as never]))).toBe('BAD_ARGUMENT')
        expect(await codeOf(store.write([{ type: 'put', key: bytes('a') } as never]))).toBe('BAD_ARGUMENT')
      })

      it('takes an empty write', async () => {
        await store.write([])
        expect(await read(store)).toEqual([])
      })
    })

    describe('range reads', () => {
      beforeEach(async () => {
        await store.write(['a', 'b', 'ba', 'c', 'd'].map((key) => put(key, key)))
      })

      it.each([
        [{}, 'a b ba c d'],
        [{ from: bytes('b') }, 'b ba c d'],
        [{ before: bytes('c') }, 'a b ba'],
        [{ from: bytes('aa'), before: bytes('bz') }, 'b ba'],
        [{ from: bytes('c'), before: bytes('b') }, ''],
        [{ from: bytes('x') }, ''],
        [{ limit: 2 }, 'a b'],
        [{ reverse: true }, 'd c ba b a'],
        [{ reverse: true, limit: 1 }, 'd'],
        [{ reverse: true, from: bytes('b'), before: bytes('d') }, 'c ba b'],
        [{ reverse: true, from: bytes('c'), before: bytes('b') }, ''],
      ])('%j: %s', async (range, keys) => {
        expect((await read(store, range)).map((entry) => entry.split('=')[0]).join(' ')).toBe(keys)
      })

      it('orders keys as unsigned bytes', async () => {
        const keys = [[0x7f], [0x80], [0xff], [0xff, 0x00], [0x00]].map((key) => Uint8Array.from(key))
        await store.write(keys.map((key) => ({ type: 'put', key, value: bytes('') })))
        const found: string[] = []
        for await (const { key } of store.entries()) found.push(Buffer.from(key).toString('hex'))
        expect(found).toEqual(['00', '61', '62', '6261', '63', '64', '7f', '80', 'ff', 'ff00'])
      })

      it('refuses a limit that is no count, at once', () => {
        expect(() => store.entries({ limit: 0 })).toThrow(StoreError)
        expect(() => store.entries({ from: new Uint8Array() })).toThrow(StoreError)
      })

      it('sees one state, whatever is written during the walk', async () => {
        const many = Array.from({ length: 3_000 }, (_, n) => put(`m${String(n).padStart(4, '0')}`, 'before'))
        await store.write(many)
        const seen: string[] = []
        for await (const { key, value } of store.entries({ from: bytes('m') })) {
          if (seen.length === 0) {
            await store.write([put('m2999', 'after'), del('m2998'), put('m9', 'new')])
          }
          seen.push(`${text(key)}=${text(value)}`)
        }
        expect(seen).toEqual(many.map((change) => `${text(change.key)}=before`))
        expect(await read(store, { from: bytes('m2998') })).toEqual(['m2999=after', 'm9=new'])
      })

      it('can be left in the middle, by break and by throw, and the store goes on and closes', async () => {
        for await (const entry of store.entries()) {
          expect(text(entry.key)).toBe('a')
          break
        }
        const failing = (async () => {
          for await (const _ of store.entries()) throw new Error('enough')
        })()
        await expect(failing).rejects.toThrow('enough')
        await store.write([put('e', 'e')])
        await reopen()
        expect(await read(store, { from: bytes('d') })).toEqual(['d=d', 'e=e'])
      })

      it('ends with the reason of its signal', async () => {
        const controller = new AbortController()
        const reason = new Error('no longer needed')
        const seen: string[] = []
        const walking = (async () => {
          for await (const { key } of store.entries({ signal: controller.signal })) {
            seen.push(text(key) ?? '')
            controller.abort(reason)
          }
        })()
        await expect(walking).rejects.toBe(reason)
        expect(seen).toEqual(['a'])
      })

      it('ends with STORE_CLOSED when the store closes during the walk', async () => {
        const walk = store.entries()[Symbol.asyncIterator]()
        await walk.next()
        await store.close()
        expect(await codeOf(walk.next())).toBe('STORE_CLOSED')
        expect(await walk.next()).toMatchObject({ done: true })
      })
    })

    describe('damage', () => {
      it('is found on a value that was changed, and named by its key', async () => {
        await store.write([put('a', '1'), put('b', '2'), put('c', '3')])
        await behindItsBack(async (backend) => {
          const stored = await backend.get(bytes('b'))
          if (stored === undefined) throw new Error('b is missing')
          stored[5] = (stored[5] ?? 0) ^ 1
          await backend.batch([{ type: 'put', key: bytes('b'), value: stored }])
        })
        await expect(store.get(bytes('b'))).rejects.toMatchObject({ code: 'STORE_CORRUPT', key: bytes('b') })
        expect(text(await store.get(bytes('c')))).toBe('3')
        const seen: string[] = []
        const walking = (async () => {
          for await (const { key } of store.entries()) seen.push(text(key) ?? '')
        })()
        await expect(walking).rejects.toMatchObject({ code: 'STORE_CORRUPT', key: bytes('b') })
        expect(seen).toEqual(['a'])
        const reported: StoreError[] = []
        expect(await read(store, { onCorrupt: (error) => reported.push(error) })).toEqual(['a=1', 'c=3'])
        expect(reported).toMatchObject([{ code: 'STORE_CORRUPT', key: bytes('b') }])
        await store.write([put('b', 'mended')])
        expect(await read(store)).toEqual(['a=1', 'b=mended', 'c=3'])
      })

      it('is found on a value under another key, and on one too short', async () => {
        await behindItsBack((backend) =>
          backend.batch([
            { type: 'put', key: bytes('a'), value: sealValue(bytes('b'), bytes('value of b')) },
            { type: 'put', key: bytes('c'), value: bytes('1234') },
          ]),
        )
        expect(await codeOf(store.get(bytes('a')))).toBe('STORE_CORRUPT')
        expect(await codeOf(store.get(bytes('c')))).toBe('STORE_CORRUPT')
      })

      it('ends the walk with what onCorrupt throws', async () => {
        await behindItsBack((backend) => backend.batch([{ type: 'put', key: bytes('a'), value: bytes('?') }]))
        const reading = read(store, {
          onCorrupt: () => {
            throw new Error('not with me')
          },
        })
        await expect(reading).rejects.toThrow('not with me')
      })
    })

    describe('limits', () => {
      it('refuses writes beyond what may wait, and does nothing of them', async () => {
        await store.close()
        store = await place.open({ maxWaitingWrites: 2 })
        const outcomes = await Promise.all(['a', 'b', 'c'].map((key) => codeOf(store.write([put(key, '')]))))
        expect(outcomes).toEqual(['resolved', 'resolved', 'STORE_BUSY'])
        expect(await read(store)).toEqual(['a=', 'b='])
        await store.write([put('c', '')])
      })

      it('counts their bytes, and always has room for one', async () => {
        await store.close()
        store = await place.open({ maxWaitingBytes: 10 })
        const outcomes = await Promise.all([
          codeOf(store.write([put('a', '0123456789 and more')])),
          codeOf(store.write([put('b', '')])),
        ])
        expect(outcomes).toEqual(['resolved', 'STORE_BUSY'])
      })

      it('refuses reads beyond what may be under way', async () => {
        await store.close()
        store = await place.open({ maxReads: 2 })
        const outcomes = await Promise.all(['a', 'b', 'c'].map((key) => codeOf(store.get(bytes(key)))))
        expect(outcomes).toEqual(['resolved', 'resolved', 'STORE_BUSY'])
        expect(await store.get(bytes('c'))).toBeUndefined()
      })
    })

    describe('signals', () => {
      it('take back a write that waits, whole, and leave the others', async () => {
        const controller = new AbortController()
        const reason = new Error('changed my mind')
        const kept = store.write([put('kept', '1')])
        const taken = store.write([put('taken', '1')], { signal: controller.signal })
        controller.abort(reason)
        await expect(taken).rejects.toBe(reason)
        await kept
        await expect(store.write([put('never', '1')], { signal: controller.signal })).rejects.toBe(reason)
        await expect(store.get(bytes('kept'), { signal: controller.signal })).rejects.toBe(reason)
        expect(await read(store)).toEqual(['kept=1'])
      })
    })

    describe('closing', () => {
      it('waits for what was accepted, refuses what is new, and can be asked twice', async () => {
        const writing = store.write([put('a', '1')])
        const reading = store.get(bytes('a'))
        const closing = store.close()
        expect(store.close()).toBe(closing)
        expect(await codeOf(store.write([put('b', '1')]))).toBe('STORE_CLOSED')
        expect(await codeOf(store.get(bytes('a')))).toBe('STORE_CLOSED')
        expect(await codeOf(read(store))).toBe('STORE_CLOSED')
        await Promise.all([writing, reading, closing])
        store = await place.open()
        expect(await read(store)).toEqual(['a=1'])
      })
    })

    it('agrees with a sorted map, whatever is done', async () => {
      const key = fc.uint8Array({ minLength: 1, maxLength: 2, max: 3 })
      const change = fc.oneof(
        fc.record({ type: fc.constant('put' as const), key, value: fc.uint8Array({ maxLength: 3 }) }),
        fc.record({ type: fc.constant('delete' as const), key }),
      )
      const range = fc.record(
        { from: key, before: key, reverse: fc.boolean(), limit: fc.integer({ min: 1, max: 5 }) },
        { requiredKeys: [] },
      )
      const model = new Map<string, string>()
      const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex')
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 4 }),
          range,
          async (writes, wanted) => {
            await Promise.all(writes.map((changes) => store.write(changes)))
            for (const one of writes.flat()) {
              if (one.type === 'put') model.set(hex(one.key), hex(one.value))
              else model.delete(hex(one.key))
            }
            const found: string[] = []
            for await (const entry of store.entries(wanted)) found.push(`${hex(entry.key)}=${hex(entry.value)}`)
            const expected = [...model]
              .filter(([one]) => wanted.from === undefined || one >= hex(wanted.from))
              .filter(([one]) => wanted.before === undefined || one < hex(wanted.before))
              .sort(([a], [b]) => (a < b ? -1 : 1))
            if (wanted.reverse) expected.reverse()
            expect(found).toEqual(expected.slice(0, wanted.limit).map(([one, value]) => `${one}=${value}`))
          },
        ),
        { numRuns: 60 },
      )
    })
  })
}
