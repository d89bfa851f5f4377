/**
 * A k-bucket: contacts that share a prefix, the least recently heard of first, and behind them those that would like to be in it. Pure.
 *
 * A contact goes through these states, and only in these ways:
 *
 *     verified     → questionable   it did not answer, it was silent for too long, or the machine slept
 *     questionable → verified       it was heard of
 *     questionable → gone           it did not answer twice in a row and another one waits for its place, or five times
 */
import { RoundTripEstimate } from '@pc/transport'
import type { Contact } from './contact.js'
import { commonPrefix, headOf, type Position } from './position.js'

export type ContactState = 'verified' | 'questionable'

/** Failures in a row after which a contact makes room for one that waits. */
const REPLACED_AFTER = 2
/** Failures in a row after which it is given up, with or without another. */
const GIVEN_UP_AFTER = 5

export class TableEntry {
  readonly addedAt: number
  /** The first 32 bits of its position: tells nearly all distances apart, as one number. */
  readonly head: number
  contact: Contact
  heardAt: number
  failures = 0
  /** What `Lifetimes.died` returned, if it counts as dead. */
  death: number | undefined
  /** What the table's `news` was when it failed last. */
  newsAtFailure = 0
  /** Whatever was known of it is old: the machine slept, or it waited for its place. */
  outdated = false
  roundTrip: RoundTripEstimate = new RoundTripEstimate()

  constructor(contact: Contact, now: number) {
    this.contact = contact
    this.head = headOf(contact.position)
    this.addedAt = now
    this.heardAt = now
  }

  /** Its state at `now`, where a contact is doubted after so long a silence. */
  stateAt(now: number, silenceMs: number): ContactState {
    return this.isVerified(now, silenceMs) ? 'verified' : 'questionable'
  }

  isVerified(now: number, silenceMs: number): boolean {
    return this.failures === 0 && !this.outdated && now - this.heardAt < silenceMs
  }

  heard(now: number): void {
    this.heardAt = now
    this.failures = 0
    this.outdated = false
  }
}

export class Bucket {
  /** Bits that all positions in its range share. */
  readonly depth: number
  /** One of those positions, for the bits; what is behind them says nothing. */
  readonly prefix: Position
  /** Least recently heard of first. */
  readonly entries: TableEntry[] = []
  /** Proved once, when there was no room: the latest last. */
  readonly waiting: Contact[] = []
  lookedUpAt: number
  /** The entry that is being asked whether it is there still. */
  checked: TableEntry | undefined

  constructor(prefix: Position, depth: number, now: number) {
    this.prefix = prefix
    this.depth = depth
    this.lookedUpAt = now
  }

  covers(position: Position): boolean {
    return commonPrefix(this.prefix, position) >= this.depth
  }

  /** Most recently heard of, from now on. */
  touch(entry: TableEntry, now: number): void {
    entry.heard(now)
    if (this.checked === entry) this.checked = undefined
    const at = this.entries.indexOf(entry)
    if (at === this.entries.length - 1) return
    this.entries.splice(at, 1)
    this.entries.push(entry)
  }

  /** It did not answer. True when it has to go. */
  fail(entry: TableEntry): boolean {
    entry.failures += 1
    if (this.checked === entry) this.checked = undefined
    return entry.failures >= GIVEN_UP_AFTER || (entry.failures >= REPLACED_AFTER && this.waiting.length > 0)
  }

  remove(entry: TableEntry): void {
    const at = this.entries.indexOf(entry)
    if (at >= 0) this.entries.splice(at, 1)
    if (this.checked === entry) this.checked = undefined
  }

  /** Waits for a place, as the latest; of too many the one that waits longest goes. */
  wait(contact: Contact, limit: number): void {
    this.dropWaiting(contact.key)
    this.waiting.push(contact)
    if (this.waiting.length > limit) this.waiting.shift()
  }

  dropWaiting(key: string): void {
    const at = this.waiting.findIndex((each) => each.key === key)
    if (at >= 0) this.waiting.splice(at, 1)
  }
}
