/**
 * Numbered logs inside a store. A checksum finds a wrong value, not a missing one: whoever must know that nothing is missing numbers
 * the entries, and a gap tells. A missing end tells only against a number kept elsewhere.
 */
import { StoreError } from './errors.js'
import type { Store } from './store.js'

const NUMBER_BYTES = 8

/** `prefix`, then the number as 8 bytes, big-endian: keys in the order of numbers. @throws StoreError BAD_ARGUMENT */
export function sequenceKey(prefix: Uint8Array, number: number): Uint8Array {
  if (!(Number.isSafeInteger(number) && number >= 0)) {
    throw new StoreError('BAD_ARGUMENT', `a sequence number is an integer from 0 to 2^53 - 1, got ${number}`)
  }
  const key = new Uint8Array(prefix.length + NUMBER_BYTES)
  key.set(prefix)
  new DataView(key.buffer).setBigUint64(prefix.length, BigInt(number))
  return key
}

/** The keys that begin with `prefix`, for `entries()`. */
export function prefixRange(prefix: Uint8Array): { from: Uint8Array; before?: Uint8Array } {
  const from = Uint8Array.from(prefix)
  const last = prefix.findLastIndex((byte) => byte !== 0xff)
  if (last === -1) return { from }
  const before = from.slice(0, last + 1)
  before[last] = (before[last] as number) + 1
  return { from, before }
}

export type SequenceItem =
  | { readonly type: 'entry'; readonly number: number; readonly value: Uint8Array }
  /** The entries `first` to `last` are not there, or are among the damaged. */
  | { readonly type: 'gap'; readonly first: number; readonly last: number }
  /** An entry that does not match its checksum. Its key may be what is wrong: only the gap says which number is missing. */
  | { readonly type: 'damaged'; readonly error: StoreError }

export interface SequenceOptions {
  /** The number expected first; what is before it is not read. @default the first that is there */
  readonly first?: number
  /** The number expected last; what is after it is not read. @default the last that is there: a missing end is then not seen */
  readonly last?: number
  readonly signal?: AbortSignal
}

/**
 * Walks the entries that were written under `sequenceKey(prefix, n)` in order, and says where some are missing or damaged. Keys
 * that begin with the prefix and have another length are passed over.
 *
 * Rejects as `Store.entries` does.
 */
export async function* readSequence(
  store: Pick<Store, 'entries'>,
  prefix: Uint8Array,
  options: SequenceOptions = {},
): AsyncGenerator<SequenceItem, void, void> {
  const damaged: StoreError[] = []
  let expected = options.first
  for await (const { key, value } of store.entries({
    ...prefixRange(prefix),
    ...(options.first === undefined ? {} : { from: sequenceKey(prefix, options.first) }),
    ...(options.last === undefined ? {} : { before: sequenceKey(prefix, options.last + 1) }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onCorrupt: (error) => damaged.push(error),
  })) {
    for (const error of damaged.splice(0)) yield { type: 'damaged', error }
    if (key.length !== prefix.length + NUMBER_BYTES) continue
    const number = Number(new DataView(key.buffer, key.byteOffset).getBigUint64(prefix.length))
    if (expected !== undefined && number > expected) yield { type: 'gap', first: expected, last: number - 1 }
    yield { type: 'entry', number, value }
    expected = number + 1
  }
  for (const error of damaged.splice(0)) yield { type: 'damaged', error }
  const first = expected ?? options.last
  if (options.last !== undefined && first !== undefined && first <= options.last) {
    yield { type: 'gap', first, last: options.last }
  }
}
