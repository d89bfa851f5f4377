/** How a record is found: a lookup that asks for it on its way, and keeps what counts for most. */
import type { Calls } from './calls.js'
import { KademliaError } from './errors.js'
import type { FindOptions, Lookups } from './lookups.js'
import { readGetReply } from './messages.js'
import { compareDistance, type Position } from './position.js'
import { compareRecords, type DhtRecord, readRecord, verifyRecord } from './value-record.js'

export interface RecordSearchParts {
  readonly lookups: Lookups
  readonly calls: Calls
}

export interface RecordSearch {
  /** Settles when all that were to be asked have answered, or it was stopped. Rejects as a lookup does. */
  readonly done: Promise<void>
  readonly stop: () => void
}

/** Looks for a record; `onRecord` hears the first, beginning with what is `held` here, and then each that counts for more. */
export function searchRecord(
  { lookups, calls }: RecordSearchParts,
  key: Position,
  held: DhtRecord | undefined,
  options: FindOptions,
  onRecord: (record: DhtRecord) => void,
): RecordSearch {
  let best: DhtRecord | undefined
  let stop = (): void => {}
  const take = (record: DhtRecord): void => {
    if (best !== undefined && compareRecords(record, best) <= 0) return
    best = record
    onRecord(record)
  }
  if (held !== undefined) take(held)
  if (held?.type === 'plain') return { done: Promise.resolve(), stop }
  const run = lookups.run(key, options, async (contact, lookup, read) => {
    stop = () => lookup.stop()
    const known = best?.type === 'signed' ? best.sequence : undefined
    const reply = await calls.ask(contact, { type: 'get', key, known }, (answer) => readGetReply(answer, read))
    if (reply.record !== undefined) {
      take(proved(reply.record, key, best))
      if (best?.type === 'plain') lookup.stop()
    }
    return reply.contacts
  })
  return { done: run.then(() => {}), stop: () => stop() }
}

/** What an answer says is stored under a key. The signature is looked at only if it would count. @throws KademliaError BAD_MESSAGE, BAD_RECORD */
function proved(bytes: Uint8Array, key: Position, best: DhtRecord | undefined): DhtRecord {
  const record = readRecord(bytes)
  if (compareDistance(key, record.key, key) !== 0) {
    throw new KademliaError('BAD_MESSAGE', 'the record of an answer belongs under another key')
  }
  if (best !== undefined && compareRecords(record, best) <= 0) return best
  if (verifyRecord(record)) return record
  throw new KademliaError('BAD_RECORD', 'the record of an answer is not signed by its author')
}
