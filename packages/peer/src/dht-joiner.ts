/**
 * How this peer gets into the directory, and stays in it: whoever was proved elsewhere is asked by datagram, with the first that answers it
 * joins, and with each that comes later it has one contact more. While the network is small or grows fast it puts itself on its list again, so
 * that newcomers, who hold the lists too, know of it before the usual time.
 */
import { type Contact, type Kademlia, KademliaError } from '@pc/kademlia'
import type { Clock, Logger } from '@pc/transport'

export interface DhtJoinerOptions {
  readonly kademlia: Pick<Kademlia, 'meet' | 'join' | 'announce' | 'status'>
  /** Whom to ask when nobody is known any more: for each peer where it may be, best first. */
  readonly known: () => Iterable<readonly Contact[]>
  readonly clock: Clock
  readonly logger: Logger
}

/** Peers that wait to be asked; of more, those that wait longest go. They are offered again when nobody is known. */
const MAX_WAITING = 256
/** Peers asked at a time: each may cost a handshake. */
const AT_ONCE = 8
/** Addresses tried of one peer. */
const ADDRESSES = 3
/** How often the table is looked at: is it empty, has it grown? */
const CHECK_MS = 15_000
/** The same after somebody was met: whoever comes rarely comes alone. */
const SOON_MS = 1_000
/** Up to so many contacts everybody holds nearly every list, so each newcomer counts; beyond it growth by half does. */
const SMALL = 40
const GROWTH = 1.5

export class DhtJoiner {
  readonly #options: DhtJoinerOptions
  readonly #waiting = new Map<string, readonly Contact[]>()
  readonly #abort = new AbortController()
  #working = false
  #joined = false
  #soon = false
  /** Contacts when this peer put itself on its list last. */
  #announcedTo = 0
  #timer: unknown

  constructor(options: DhtJoinerOptions) {
    this.#options = options
  }

  start(): void {
    for (const contacts of this.#options.known()) this.offer(contacts)
    this.#plan(CHECK_MS)
  }

  /** Somebody who may take part, at addresses of which the best comes first. */
  offer(contacts: readonly Contact[]): void {
    const [first] = contacts
    if (first === undefined || this.#abort.signal.aborted) return
    this.#waiting.delete(first.key)
    this.#waiting.set(first.key, contacts.slice(0, ADDRESSES))
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    void this.#work()
  }

  /** Somebody asked this peer something: with that it may have its first contact. */
  heard(): void {
    if (this.#joined || this.#soon) return
    this.#soon = true
    this.#plan(SOON_MS)
  }

  close(): void {
    this.#abort.abort()
    this.#options.clock.clearTimeout(this.#timer)
    this.#waiting.clear()
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    if (this.#working) return
    this.#working = true
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, AT_ONCE)
      for (const [key] of batch) this.#waiting.delete(key)
      await Promise.all(batch.map(([, contacts]) => this.#meet(contacts)))
      if (!this.#joined && this.#contacts > 0) await this.#attempt('join', () => this.#join())
    }
    this.#working = false
    if (this.#joined) this.#plan(SOON_MS)
  }

  async #meet(contacts: readonly Contact[]): Promise<void> {
    for (const contact of contacts) {
      if (this.#abort.signal.aborted || (await this.#options.kademlia.meet([contact])) > 0) return
    }
  }

  async #join(): Promise<void> {
    const { contacts } = await this.#options.kademlia.join([], { signal: this.#abort.signal })
    this.#joined = true
    this.#announcedTo = contacts
    this.#options.logger.debug({ contacts }, 'joined the directory')
  }

  #check(): void {
    this.#soon = false
    const contacts = this.#contacts
    if (contacts === 0) {
      this.#joined = false
      for (const known of this.#options.known()) this.offer(known)
    } else if (!this.#joined) {
      void this.#attempt('join', () => this.#join())
    } else if (contacts > this.#announcedTo * (contacts <= SMALL ? 1 : GROWTH)) {
      this.#announcedTo = contacts
      void this.#attempt('announce', () => this.#options.kademlia.announce({ signal: this.#abort.signal }))
    }
    this.#plan(CHECK_MS)
  }

  get #contacts(): number {
    return this.#options.kademlia.status().contacts
  }

  #plan(afterMs: number): void {
    const { clock } = this.#options
    clock.clearTimeout(this.#timer)
    if (this.#abort.signal.aborted) return
    this.#timer = clock.setTimeout(() => this.#check(), afterMs)
  }

  /** What fails is tried again at the next check. */
  async #attempt(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (this.#abort.signal.aborted || (error instanceof KademliaError && error.code === 'CLOSED')) return
      this.#options.logger.debug({ err: error, what }, 'the directory did not do what was wanted')
    }
  }
}
