import type { StoreChange } from './backend.js'
import { StoreError } from './errors.js'
import { STORE_LIMITS } from './limits.js'
import type { StoreRange } from './store.js'

/** @throws StoreError BAD_ARGUMENT */
export function checkKey(key: Uint8Array): void {
  if (!(key instanceof Uint8Array)) throw bad(`a key must be a Uint8Array, got ${typeof key}`)
  if (key.length === 0 || key.length > STORE_LIMITS.keyBytes) {
    throw bad(`a key has 1 to ${STORE_LIMITS.keyBytes} bytes, got ${key.length}`)
  }
}

/** The bytes of all keys and values. @throws StoreError BAD_ARGUMENT */
export function checkChanges(changes: readonly StoreChange[]): number {
  if (!Array.isArray(changes)) throw bad('a write needs an array of changes')
  if (changes.length > STORE_LIMITS.changes) {
    throw bad(`a write has at most ${STORE_LIMITS.changes} changes, got ${changes.length}`)
  }
  let bytes = 0
  for (const change of changes) {
    if (change?.type !== 'put' && change?.type !== 'delete') {
      throw bad(
        `a change is { type: 'put', key, value } or { type: 'delete', key }, got type ${String(Object(change).type)}`,
      )
    }
    checkKey(change.key)
    bytes += change.key.length
    if (change.type === 'delete') continue
    if (!(change.value instanceof Uint8Array)) throw bad(`a value must be a Uint8Array, got ${typeof change.value}`)
    if (change.value.length > STORE_LIMITS.valueBytes) {
      throw bad(`a value has at most ${STORE_LIMITS.valueBytes} bytes, got ${change.value.length}`)
    }
    bytes += change.value.length
  }
  if (bytes > STORE_LIMITS.writeBytes) {
    throw bad(`a write has at most ${STORE_LIMITS.writeBytes} bytes of keys and values, got ${bytes}`)
  }
  return bytes
}

/** @throws StoreError BAD_ARGUMENT */
export function checkRange(range: StoreRange): void {
  for (const key of [range.from, range.before]) if (key !== undefined) checkKey(key)
  checkCount('limit', range.limit)
}

/** @throws StoreError BAD_ARGUMENT */
export function checkCount(name: string, count: number | undefined): void {
  if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1)) {
    throw bad(`${name} must be an integer from 1 up, got ${count}`)
  }
}

function bad(message: string): StoreError {
  return new StoreError('BAD_ARGUMENT', message)
}
