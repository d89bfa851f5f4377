/** A backend in memory: for tests, and for programs that keep nothing. */
import type { BackendIterator, BackendRange, StoreBackend, StoreChange, StoreEntry } from './backend.js'

/** Entries per chunk of a range read: enough to make the cost of a turn small. */
const CHUNK = 256

/** Lives as long as the object: closing and opening a store over it again finds everything as it was. */
export function createMemoryBackend(): StoreBackend {
  return new MemoryBackend()
}

class MemoryBackend implements StoreBackend {
  /** In the order of keys. Replaced, never changed, while a range read looks at it. */
  #entries: StoreEntry[] = []
  #shared = false

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const entry = this.#entries[lowerBound(this.#entries, key)]
    return entry !== undefined && Buffer.compare(entry.key, key) === 0 ? entry.value.slice() : undefined
  }

  entries(range: BackendRange): BackendIterator {
    this.#shared = true
    const entries = this.#entries
    const low = range.from === undefined ? 0 : lowerBound(entries, range.from)
    const high = Math.max(low, range.before === undefined ? entries.length : lowerBound(entries, range.before))
    let left = Math.min(high - low, range.limit ?? Number.POSITIVE_INFINITY)
    let position = range.reverse ? high - 1 : low
    const take = (): StoreEntry => {
      const { key, value } = entries[position] as StoreEntry
      position += range.reverse ? -1 : 1
      return { key: key.slice(), value: value.slice() }
    }
    return {
      next: async () => {
        const count = Math.min(left, CHUNK)
        left -= count
        return Array.from({ length: count }, take)
      },
      close: async () => {
        left = 0
      },
    }
  }

  async batch(changes: readonly StoreChange[]): Promise<void> {
    if (this.#shared) this.#entries = [...this.#entries]
    this.#shared = false
    for (const change of changes) {
      const index = lowerBound(this.#entries, change.key)
      const found = this.#entries[index]
      const replaced = found !== undefined && Buffer.compare(found.key, change.key) === 0 ? 1 : 0
      const added =
        change.type === 'put' ? [{ key: Uint8Array.from(change.key), value: Uint8Array.from(change.value) }] : []
      this.#entries.splice(index, replaced, ...added)
    }
  }

  async close(): Promise<void> {}
}

/** The index of the first entry whose key is not less than `key`. */
function lowerBound(entries: readonly StoreEntry[], key: Uint8Array): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (Buffer.compare((entries[middle] as StoreEntry).key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
