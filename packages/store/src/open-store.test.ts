import { expect, it } from 'vitest'
import type { StoreBackend } from './backend.js'
import { createMemoryBackend } from './memory-backend.js'
import { openStore, type StoreOptions } from './open-store.js'

const KEY = Uint8Array.of(1)

function failing(error: unknown): StoreBackend {
  const fail = () => Promise.reject(error)
  return { get: fail, batch: fail, close: fail, entries: () => ({ next: fail, close: async () => {} }) }
}

it.each([
  {},
  { path: '' },
  { path: 7 },
  { path: 'a', backend: createMemoryBackend() },
  { backend: createMemoryBackend(), maxReads: 0 },
  { backend: createMemoryBackend(), maxWaitingBytes: 1.5 },
  { backend: createMemoryBackend(), maxWaitingWrites: Number.NaN },
])('refuses %o', async (options) => {
  await expect(openStore(options as StoreOptions)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
})

it.each([
  [{ code: 'STORE_FULL', message: 'nothing left' }, 'STORE_FULL', true],
  [{ code: 'STORE_CORRUPT', message: 'bad block' }, 'STORE_CORRUPT', false],
  [{ code: 'ENOSPC', message: 'no space' }, 'STORE_FULL', true],
  [{ code: 'EDQUOT', message: 'quota' }, 'STORE_FULL', true],
  [{ code: 'EIO', message: 'bad sector' }, 'STORE_FAILED', true],
  [{ code: 'toString', message: 'odd' }, 'STORE_FAILED', true],
  ['just text', 'STORE_FAILED', true],
  [undefined, 'STORE_FAILED', true],
])('gives an error of the backend %o the code %s', async (thrown, code, retryable) => {
  const store = await openStore({ backend: failing(thrown) })
  const expected = { name: 'StoreError', code, retryable, cause: thrown }
  await expect(store.get(KEY)).rejects.toMatchObject(expected)
  await expect(store.write([{ type: 'delete', key: KEY }])).rejects.toMatchObject(expected)
  await expect(store.entries().next()).rejects.toMatchObject(expected)
  await expect(store.close()).rejects.toMatchObject(expected)
})

it('passes on what the backend found damaged, and is disposed of by its scope', async () => {
  let closed = 0
  const damage = [{ file: 'log', text: 'cut' }]
  const backend = Object.assign(createMemoryBackend(), { damage, close: async () => void closed++ })
  {
    await using store = await openStore({ backend })
    expect(store.damage).toEqual(damage)
    await store.close()
  }
  expect(closed).toBe(1)
})

it('ends a range read whose backend hangs, when its signal says so', async () => {
  let released = 0
  const hanging = { next: () => new Promise<never>(() => {}), close: async () => void released++ }
  const store = await openStore({ backend: { ...failing('unused'), entries: () => hanging } })
  const controller = new AbortController()
  const next = store.entries({ signal: controller.signal }).next()
  controller.abort(new Error('enough'))
  await expect(next).rejects.toThrow('enough')
  expect(released).toBe(1)
})
