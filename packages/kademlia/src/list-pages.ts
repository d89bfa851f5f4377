/** One list of peers in the order of their ids, and read page by page: what comes and goes between two pages shifts nothing. */
import type { PeerId } from '@pc/identity'

export interface ListEntry {
  readonly id: PeerId
  /** The signed record. Shared: do not write into it. */
  readonly bytes: Uint8Array
  /** Since its peer put itself on the list. */
  readonly ageMs: number
}

export interface ListPage {
  readonly entries: readonly ListEntry[]
  /** The cursor for the rest, the last id of this page; undefined when there is no more. */
  readonly next: Uint8Array | undefined
}

export const MAX_PAGE_ENTRIES = 4
/** The records of one page together, so that it fits a datagram. */
export const MAX_PAGE_BYTES = 1_000

interface Listed {
  /** The id as a text, one character a byte: such texts are ordered as the bytes. */
  readonly key: string
  readonly id: PeerId
  /** Undefined: its peer has left, and it is on no page. */
  readonly bytes: Uint8Array | undefined
  readonly renewedAt: number
}

export class ListPages<Entry extends Listed> {
  readonly #entries: Entry[] = []

  /** Those that have left among them. */
  get size(): number {
    return this.#entries.length
  }

  add(entry: Entry): void {
    this.#entries.splice(this.#placeBehind(entry.key), 0, entry)
  }

  /** The entry is there. */
  remove(entry: Entry): void {
    this.#entries.splice(this.#placeBehind(entry.key) - 1, 1)
  }

  /** At least one entry, at most `limit`, and never more than 4 or 1,000 bytes: those behind the id `cursor`, or the first. */
  page(cursor: string | undefined, limit: number, now: number): ListPage {
    const most = Math.max(1, Math.min(limit, MAX_PAGE_ENTRIES))
    const entries: ListEntry[] = []
    let bytes = 0
    for (let index = cursor === undefined ? 0 : this.#placeBehind(cursor); index < this.#entries.length; index++) {
      const entry = this.#entries[index]
      if (entry?.bytes === undefined) continue
      bytes += entry.bytes.length
      if (entries.length >= most || bytes > MAX_PAGE_BYTES) return { entries, next: entries.at(-1)?.id.bytes }
      entries.push({ id: entry.id, bytes: entry.bytes, ageMs: now - entry.renewedAt })
    }
    return { entries, next: undefined }
  }

  records(): Uint8Array[] {
    return this.#entries.flatMap(({ bytes }) => bytes ?? [])
  }

  /** Of the first entry whose id comes after `key`. */
  #placeBehind(key: string): number {
    let [low, high] = [0, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#entries[middle]?.key ?? '') <= key) low = middle + 1
      else high = middle
    }
    return low
  }
}
