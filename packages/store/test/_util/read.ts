import type { Store, StoreChange, StoreRange } from '../../src/index.js'
import { bytes, text } from './bytes.js'

export function put(key: string, value: string): StoreChange {
  return { type: 'put', key: bytes(key), value: bytes(value) }
}

export function del(key: string): StoreChange {
  return { type: 'delete', key: bytes(key) }
}

/** `key=value` of everything in the range, in the order it came. */
export async function read(store: Store, range?: StoreRange): Promise<string[]> {
  const found: string[] = []
  for await (const { key, value } of store.entries(range)) found.push(`${text(key)}=${text(value)}`)
  return found
}

/** The code a promise rejects with, or that it did not. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
    return 'resolved'
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
}
