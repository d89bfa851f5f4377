/** Lookups of this peer: whom each may begin with, how many there are at a time, and what users are told of them. */
import type { Clock } from '@pc/transport'
import { type Calls, closed } from './calls.js'
import type { Contact, ReadContacts } from './contact.js'
import { KademliaError } from './errors.js'
import { Lookup, type LookupProgress } from './lookup.js'
import type { LookupOptions } from './lookup-options.js'
import { readFindNodeReply } from './messages.js'
import { commonPrefix, type Position } from './position.js'
import { runLookup } from './query.js'
import type { RoutingTable } from './routing-table.js'

export interface FindOptions {
  /** Rejects with its reason; requests under way are left to end. */
  readonly signal?: AbortSignal
  /** Disjoint paths of this one lookup. @default `lookups.paths` */
  readonly paths?: number
  /** Told after each answer and each failure. */
  readonly onProgress?: (progress: LookupProgress) => void
  /** Told what came of each request, for people who want to see a lookup at work. */
  readonly onStep?: (step: LookupTrace) => void
}

/** What came of one request of a lookup. */
export interface LookupTrace {
  readonly contact: Contact
  /** Leading bits that its position shares with the target: the more, the nearer. */
  readonly sharedBits: number
  /** When it was asked, ms after the lookup began. */
  readonly askedAtMs: number
  /** How long it took to answer, or to be given up. */
  readonly tookMs: number
  /** How many others it named; undefined when it did not answer. */
  readonly named: number | undefined
}

/** What one kind of lookup asks for besides. */
export interface LookupRun extends FindOptions {
  /** k of this one. @default `lookups.count` */
  readonly count?: number
  /** Hints to begin with, besides the contacts of the table. */
  readonly hints?: readonly Contact[]
}

export interface LookupReport extends LookupProgress {
  /** The nearest that answered, the nearest first; at most `lookups.count`. */
  readonly contacts: readonly Contact[]
}

export interface LookupsOptions {
  readonly settings: LookupOptions & { readonly count: number }
  readonly table: RoutingTable
  readonly calls: Calls
  readonly clock: Clock
}

/** Lookups at a time; the next one is refused. */
const MAX_LOOKUPS = 256
/** Contacts to begin with, of each that is to be found: enough for several paths, and for some that are gone. */
const SEEDS_PER_K = 3

export class Lookups {
  readonly #options: LookupsOptions
  #running = 0
  #closed = false

  constructor(options: LookupsOptions) {
    this.#options = options
  }

  /** How many are under way. */
  get running(): number {
    return this.#running
  }

  /** k. */
  get count(): number {
    return this.#options.settings.count
  }

  /** One lookup, whatever is asked. `ask` may stop it. Rejects with KademliaError BUSY, CLOSED, or the signal's reason. */
  async run(
    target: Position,
    { signal, paths, onProgress, onStep, count = this.count, hints = [] }: LookupRun,
    ask: (contact: Contact, lookup: Lookup, known: ReadContacts) => Promise<readonly Contact[]>,
  ): Promise<LookupReport> {
    this.#requireOpen()
    if (this.#running >= MAX_LOOKUPS) {
      throw new KademliaError('BUSY', `${MAX_LOOKUPS} lookups are under way: wait for some of them`)
    }
    const { settings, table, calls, clock } = this.#options
    const lookup = Lookup.create({
      target,
      seeds: [...hints, ...this.#seeds(target, count)],
      options: {
        ...settings,
        count,
        paths: paths ?? settings.paths,
        slowAfterMs: (contact) => calls.timeoutOf(contact),
      },
    })
    table.noteLookup(target, clock.now())
    this.#running += 1
    const known: ReadContacts = new Map()
    const asking = (contact: Contact): Promise<readonly Contact[]> => ask(contact, lookup, known)
    try {
      await runLookup(lookup, {
        clock: clock,
        signal,
        ask: onStep === undefined ? asking : traced(asking, target, clock, onStep),
        ...(onProgress && { onStep: () => onProgress(lookup.progress) }),
      })
    } finally {
      this.#running -= 1
    }
    this.#requireOpen()
    return { ...lookup.progress, contacts: lookup.result() }
  }

  /** The peers nearest to a position. Rejects as `run`. */
  findNodes(target: Position, options: LookupRun): Promise<LookupReport> {
    const { calls } = this.#options
    return this.run(target, options, (contact, _lookup, known) =>
      calls.ask(contact, { type: 'find-node', target }, (answer) => readFindNodeReply(answer, known)),
    )
  }

  /** Those under way reject with CLOSED when they end. */
  close(): void {
    this.#closed = true
  }

  /** Whoever is silent for long, or failed, is asked only where there are not enough others. */
  #seeds(target: Position, count: number): Contact[] {
    const { table } = this.#options
    for (const among of ['likely', 'unfailed'] as const) {
      const seeds = table.closest(target, SEEDS_PER_K * count, { among })
      if (seeds.length >= count) return seeds
    }
    return table.closest(target, SEEDS_PER_K * count, { among: 'all' })
  }

  #requireOpen(): void {
    if (this.#closed) throw closed()
  }
}

/** Asks, and tells what came of it. */
function traced(
  ask: (contact: Contact) => Promise<readonly Contact[]>,
  target: Position,
  clock: Clock,
  onStep: (step: LookupTrace) => void,
): (contact: Contact) => Promise<readonly Contact[]> {
  const began = clock.now()
  return async (contact) => {
    const asked = clock.now()
    let named: number | undefined
    try {
      const hints = await ask(contact)
      named = hints.length
      return hints
    } finally {
      const sharedBits = commonPrefix(target, contact.position)
      onStep({ contact, sharedBits, askedAtMs: asked - began, tookMs: clock.now() - asked, named })
    }
  }
}
