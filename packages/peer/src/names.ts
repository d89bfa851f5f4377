/**
 * A name is not an identity: the first proved id under a name is pinned to it, and any other id that uses the name is shown apart
 * (`anna~7k2`), never chosen by the name, and warned about. Pure.
 */
import type { PeerId } from '@pc/identity'

/**
 * Pins kept. A full table pins nobody new: newcomers are shown with their id. Letting an old pin go instead would let a stranger
 * with many keys push anybody's name out, and then take it.
 */
const MAX_PINS = 10_000

/** Names one id may hold: with a new name at each connection it would fill the table alone. Its oldest goes. */
const MAX_NAMES_PER_ID = 4

/** Characters of the id shown after `~`, at least: enough to tell two apart by eye, short enough to type. */
const MIN_SUFFIX = 3

/** `full`: nobody holds the name, and no more names are pinned. */
export type Claim = 'pinned' | 'held' | 'conflict' | 'full'

export class NamePins {
  /** Folded name → full id text. */
  readonly #pins = new Map<string, string>()
  /** Full id text → the folded names it holds, oldest first. */
  readonly #names = new Map<string, string[]>()

  /** @param known pins of an earlier run: name → full id text. */
  constructor(known: Readonly<Record<string, string>> = {}) {
    for (const [name, id] of Object.entries(known)) this.#pin(fold(name), id)
  }

  /** A proved peer says its name: `pinned` just now, already `held` by it, or in `conflict` with another id, or not pinned. */
  claim(name: string, id: PeerId): Claim {
    const key = fold(name)
    const holder = this.#pins.get(key)
    if (holder !== undefined && holder !== id.toString()) return 'conflict'
    if (holder !== undefined) return 'held'
    const own = this.#names.get(id.toString()) ?? []
    const [oldest] = own
    if (own.length >= MAX_NAMES_PER_ID && oldest !== undefined) this.#unpin(oldest, own)
    if (this.#pins.size >= MAX_PINS) return 'full'
    this.#pin(key, id.toString())
    return 'pinned'
  }

  #pin(key: string, id: string): void {
    this.#pins.set(key, id)
    const own = this.#names.get(id)
    if (own === undefined) this.#names.set(id, [key])
    else own.push(key)
  }

  #unpin(key: string, own: string[]): void {
    own.shift()
    this.#pins.delete(key)
  }

  holds(name: string, id: PeerId): boolean {
    return this.#pins.get(fold(name)) === id.toString()
  }

  /** What to keep for the next run: folded name → full id text. */
  toJSON(): Record<string, string> {
    return Object.fromEntries(this.#pins)
  }

  /** How people see the peer: its name when pinned to it, else the name with the start of its id. */
  label(name: string, id: PeerId, others: readonly PeerId[] = []): string {
    return this.holds(name, id) ? name : `${name}~${distinguishing(id, others)}`
  }
}

/** Names that people would take for the same are the same: case, Unicode composition and what is not shown do not tell them apart. */
export function fold(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .toLowerCase()
}

/** The shortest start of the id, three characters at least, that no other id of the list shares. */
function distinguishing(id: PeerId, others: readonly PeerId[]): string {
  const text = id.toString()
  const rivals = others.filter((other) => !other.equals(id)).map((other) => other.toString())
  let length = MIN_SUFFIX
  // Ends with the whole id at the latest: no rival is equal to it.
  while (rivals.some((rival) => rival.startsWith(text.slice(0, length)))) length += 1
  return text.slice(0, length)
}
