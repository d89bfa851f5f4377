/**
 * Who is in the network: the 20 lists of peers (`list-keys.ts`), read from whoever holds them. Holders may miss an entry that another one has,
 * so each list is read from several, and what they say is put together.
 */
import type { SignedPeerRecord } from '@pc/identity'
import type { Contact } from './contact.js'
import { keyOf } from './contact.js'
import { listOf } from './list-keys.js'
import type { ListReply } from './messages.js'
import { LIST_TTL_MS } from './peer-list.js'
import { positionOf } from './position.js'

export interface DirectoryPorts {
  /** The peers nearest to the key of a list, the nearest first. */
  readonly holdersOf: (list: number) => Promise<readonly Contact[]>
  /** A page of what a holder has; rejects when it does not answer. */
  readonly page: (holder: Contact, list: number, cursor: Uint8Array | undefined) => Promise<ListReply>
  /** Entries that this peer itself holds. */
  readonly own: (list: number) => Iterable<Uint8Array>
  /** Whether this peer is nearer to a list than that one. */
  readonly isNearer: (list: number, other: Contact) => boolean
  /** A record that is what it says; undefined for what is none. */
  readonly read: (bytes: Uint8Array) => SignedPeerRecord | undefined
}

/** Holders of each list that are read. Each misses a few entries in a hundred, so three miss one in ten thousand. */
const READ_FROM = 3
/** Lists read at a time. */
const AT_ONCE = 4
/** A list has at most 1,000 entries, and a page at least one: a holder that goes on and on is left. */
const MAX_PAGES = 1_000

/** One list, as all that were asked have it. */
export interface ListRead {
  readonly list: number
  readonly peers: readonly SignedPeerRecord[]
}

/** Reads all lists; each is given out once it is whole. Nothing is read any more once the caller has left. */
export async function* readLists(
  lists: readonly number[],
  ports: DirectoryPorts,
): AsyncGenerator<ListRead, void, undefined> {
  const waiting = [...lists]
  const running = new Map<number, Promise<ListRead>>()
  const reading: Reading = { left: false }
  try {
    for (;;) {
      while (running.size < AT_ONCE) {
        const list = waiting.shift()
        if (list === undefined) break
        running.set(list, readList(list, ports, reading))
      }
      if (running.size === 0) return
      const read = await Promise.race(running.values())
      running.delete(read.list)
      yield read
    }
  } finally {
    reading.left = true
  }
}

interface Reading {
  /** Nobody waits for what is still being read. */
  left: boolean
}

async function readList(list: number, ports: DirectoryPorts, reading: Reading): Promise<ListRead> {
  const found = new Map<string, SignedPeerRecord>()
  const seen = new Set<string>()
  const take = (bytes: Uint8Array): void => {
    // Most entries come from each holder, and a signature costs more than everything else.
    const text = keyOf(bytes)
    if (seen.has(text)) return
    seen.add(text)
    const record = ports.read(bytes)
    // On another list it would be given out twice.
    if (record === undefined || listOf(positionOf(record.id.bytes)) !== list) return
    const key = keyOf(record.id.bytes)
    const known = found.get(key)
    if (known === undefined || known.sequence < record.sequence) found.set(key, record)
  }
  const holders = [...(await ports.holdersOf(list))]
  // What is held here counts as what is read from others does. A holder of former days hears of nobody's leave any more.
  const last = holders[READ_FROM - 1]
  if (last === undefined || ports.isNearer(list, last)) for (const bytes of ports.own(list)) take(bytes)
  const page = (holder: Contact, cursor: Uint8Array | undefined): Promise<ListReply> =>
    reading.left ? Promise.reject(new Error('nobody waits for it')) : ports.page(holder, list, cursor)
  const readNext = async (): Promise<void> => {
    // One that fails is replaced by the next.
    for (let holder = holders.shift(); holder !== undefined && !reading.left; holder = holders.shift()) {
      const of = holder
      if (
        await readPages(
          (cursor) => page(of, cursor),
          ({ record }) => take(record),
        )
      )
        return
    }
  }
  await Promise.all(Array.from({ length: READ_FROM }, readNext))
  return { list, peers: [...found.values()] }
}

/**
 * Reads one list from one holder, whatever that answers: a lying one is read to the end of what a list may have, and no longer. False when it
 * stopped answering; what it gave until then counts.
 */
export async function readPages(
  page: (cursor: Uint8Array | undefined) => Promise<ListReply>,
  take: (entry: ListReply['entries'][number]) => void,
): Promise<boolean> {
  let cursor: Uint8Array | undefined
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    let reply: ListReply
    try {
      reply = await page(cursor)
    } catch {
      return false
    }
    for (const entry of reply.entries) if (entry.ageMs < LIST_TTL_MS) take(entry)
    const { cursor: next } = reply
    // Ids only rise: a holder that goes back would go round for ever.
    if (next === undefined || (cursor !== undefined && Buffer.compare(next, cursor) <= 0)) return true
    cursor = next
  }
  return true
}
