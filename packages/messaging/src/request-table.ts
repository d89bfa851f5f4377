/**
 * Requests of other peers that are being served, by connection and id. Pure. Whoever takes an entry out answers the
 * request: an entry can be taken once, so each request is answered once.
 */
export class RequestTable<Entry> {
  readonly #limit: number
  readonly #connections = new Map<number, Map<number, Entry>>()
  #size = 0

  /** `limit`: requests in service per connection. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#size
  }

  add(connection: number, id: number, entry: Entry): 'added' | 'duplicate' | 'full' {
    const entries = this.#connections.get(connection) ?? new Map<number, Entry>()
    if (entries.has(id)) return 'duplicate'
    if (entries.size >= this.#limit) return 'full'
    this.#connections.set(connection, entries.set(id, entry))
    this.#size++
    return 'added'
  }

  /** `undefined`: answered before, or never asked. */
  take(connection: number, id: number): Entry | undefined {
    const entries = this.#connections.get(connection)
    const entry = entries?.get(id)
    if (entries === undefined || entry === undefined) return undefined
    entries.delete(id)
    this.#size--
    if (entries.size === 0) this.#connections.delete(connection)
    return entry
  }

  /** Everything of one connection, or of all, taken out. */
  takeAll(connection?: number): Entry[] {
    const taken: Entry[] = []
    for (const number of connection === undefined ? [...this.#connections.keys()] : [connection]) {
      taken.push(...(this.#connections.get(number)?.values() ?? []))
      this.#connections.delete(number)
    }
    this.#size -= taken.length
    return taken
  }
}
