/**
 * A name is not an identity: the first proved id under a name is pinned to it, and any other id that uses the name is shown apart
 * (`anna~7k2`), never chosen by the name, and warned about. Pure.
 */
import type { PeerId } from '@pc/identity'

/** Pins kept; beyond it the least recently proved one goes, and its name is free again. */
const MAX_PINS = 10_000

/** Characters of the id shown after `~`, at least: enough to tell two apart by eye, short enough to type. */
const MIN_SUFFIX = 3

export type Claim = 'pinned' | 'held' | 'conflict'

export class NamePins {
  /** Folded name → full id text. Insertion order is order of last proof. */
  readonly #pins = new Map<string, string>()

  /** @param known pins of an earlier run: name → full id text. */
  constructor(known: Readonly<Record<string, string>> = {}) {
    for (const [name, id] of Object.entries(known)) this.#pins.set(fold(name), id)
  }

  /** A proved peer says its name: `pinned` just now, already `held` by it, or in `conflict` with another id. */
  claim(name: string, id: PeerId): Claim {
    const key = fold(name)
    const holder = this.#pins.get(key)
    if (holder !== undefined && holder !== id.toString()) return 'conflict'
    this.#pins.delete(key)
    this.#pins.set(key, id.toString())
    const oldest = this.#pins.keys().next().value
    if (this.#pins.size > MAX_PINS && oldest !== undefined) this.#pins.delete(oldest)
    return holder === undefined ? 'pinned' : 'held'
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

/** Names that people would take for the same are the same: case and Unicode composition do not tell them apart. */
export function fold(name: string): string {
  return name.normalize('NFKC').toLowerCase()
}

/** The shortest start of the id, three characters at least, that no other id of the list shares. */
function distinguishing(id: PeerId, others: readonly PeerId[]): string {
  const text = id.toString()
  const rivals = others.filter((other) => !other.equals(id)).map((other) => other.toString())
  let length = MIN_SUFFIX
  while (length < text.length && rivals.some((rival) => rival.startsWith(text.slice(0, length)))) length += 1
  return text.slice(0, length)
}
