/** K8: the table against what has to hold of it whatever happens, and `closest` against a sort of everybody. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { contactOn } from '../test/_util/contacts.js'
import type { Contact } from './contact.js'
import { bitAt, compareDistance, type Position } from './position.js'
import { RoutingTable } from './routing-table.js'

const OWN = new Uint8Array(32)

/** Few positions, most of them near the own one, so that they meet in buckets. */
const position = fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 7 })).map(([zeros, rest]) => {
  const made = Buffer.alloc(32)
  made.writeUInt32BE(((0x8000_0000 >>> zeros) | ((rest << 16) >>> zeros)) >>> 0)
  return made
})
const anywhere = fc.oneof(position, fc.constant(OWN))
const step = fc.record({
  what: fc.constantFrom('proved', 'proved', 'proved', 'proved', 'failed', 'removed', 'nothing', 'slept'),
  position: anywhere,
  host: fc.integer({ min: 0, max: 30 }),
  wait: fc.integer({ min: 0, max: 200 }),
})
const limits = fc.record({
  bucketSize: fc.integer({ min: 1, max: 5 }),
  waiting: fc.integer({ min: 0, max: 3 }),
  perAddressInBucket: fc.integer({ min: 1, max: 3 }),
  perAddress: fc.integer({ min: 1, max: 6 }),
  spread: fc.integer({ min: 0, max: 3 }),
  questionableAfterMs: fc.constant(500),
  checkAfterMs: fc.constant(100),
})

interface Known {
  contact: Contact
  heardAt: number
  failures: number
  /** The machine slept, or it waited for its place. */
  outdated: boolean
  /** Whether nobody was heard of since it failed last. */
  alone: boolean
  /** It failed when it was not in doubt for another reason. */
  dead: boolean
}

const CASES = 10_000
/** Some 10 s of work, on a machine with nothing else to do. */
const PATIENCE_MS = 90_000

it(`holds after whatever happens, in ${CASES} cases`, { timeout: PATIENCE_MS }, () => {
  const targets = fc.array(anywhere, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(limits, fc.array(step, { minLength: 1, maxLength: 20 }), targets, (given, steps, sought) => {
      const table = RoutingTable.create({ own: OWN, now: 0, limits: given })
      const known = new Map<string, Known>()
      let now = 0
      for (const { what, position: at, host, wait } of steps) {
        now += wait
        const contact = contactOn(at, `10.0.0.${host}`)
        const before = new Map(known)
        const { silenceMs } = table
        // States are those of the latest time that the table was told.
        table.noteLookup(at, now)
        if (what === 'proved') prove(table, known, contact, now)
        else if (what === 'failed') fail(table, known, contact.key, now)
        else if (what === 'removed') table.remove(contact, now)
        else if (what === 'slept') {
          table.doubtAll()
          for (const each of known.values()) each.outdated = true
        }
        follow(table, known, now)
        // Whoever answers is never displaced: only its own failures or its own word remove a contact.
        for (const [key, { contact: there, dead, heardAt }] of before) {
          if (known.get(key) !== undefined) continue
          if (what === 'proved') expect([dead, now - heardAt >= 2 * silenceMs]).toEqual([true, true])
          else expect([['failed', 'removed'].includes(what), there.key]).toEqual([true, contact.key])
        }
      }
      checkBuckets(table, given)
      for (const target of sought) checkClosest(table, known, target, now)
    }),
    { numRuns: CASES },
  )
})

function prove(table: RoutingTable, known: Map<string, Known>, contact: Contact, now: number): void {
  const held = known.get(contact.key)
  const wasVerified = held !== undefined && isVerified(table, held, now)
  const { added, check } = table.proved(contact, now)
  for (const each of known.values()) each.alone = false
  if (check !== undefined) expect([known.has(check.key), added]).toEqual([true, false])
  const there = table.get(contact.key)
  if (held === undefined || there === undefined) return
  const sameAddress = held.contact.address.host === contact.address.host
  if (!sameAddress && (wasVerified || there !== contact)) {
    expect(there).toBe(held.contact)
    return
  }
  known.set(contact.key, { contact: there, heardAt: now, failures: 0, outdated: false, alone: false, dead: false })
}

function fail(table: RoutingTable, known: Map<string, Known>, key: string, now: number): void {
  const held = known.get(key)
  if (held === undefined) return
  const waiting = waitingBeside(table, held.contact)
  table.failed(held.contact, now)
  if (held.alone) {
    expect(table.get(key)).toBeDefined()
    return
  }
  if (held.failures === 0 && !held.outdated) held.dead = true
  held.failures++
  held.alone = true
  const gone = held.failures >= 5 || (held.failures >= 2 && waiting > 0)
  expect(table.get(key) === undefined).toBe(gone)
}

function waitingBeside(table: RoutingTable, { position: at }: Contact): number {
  return table.buckets().find(({ prefix }) => begins(at, prefix))?.waiting ?? 0
}

function isVerified(table: RoutingTable, { failures, outdated, heardAt }: Known, now: number, times = 1): boolean {
  return failures === 0 && !outdated && now - heardAt < times * table.silenceMs
}

/** Those that are new in the table: proved, or let in when another one went. */
function follow(table: RoutingTable, known: Map<string, Known>, now: number): void {
  const contacts = table.buckets().flatMap((bucket) => bucket.contacts)
  const there = new Set(contacts.map(({ contact }) => contact.key))
  for (const key of known.keys()) if (!there.has(key)) known.delete(key)
  for (const { contact, state } of contacts) {
    const held = known.get(contact.key)
    if (held === undefined) {
      const outdated = state === 'questionable'
      known.set(contact.key, { contact, heardAt: now, failures: 0, outdated, alone: false, dead: false })
    } else if (state !== (isVerified(table, held, now) ? 'verified' : 'questionable')) expect.fail(`it is ${state}`)
  }
}

function checkBuckets(
  table: RoutingTable,
  given: { bucketSize: number; waiting: number; perAddressInBucket: number; perAddress: number },
): void {
  const buckets = table.buckets()
  // Disjoint and complete: their shares of the space are 1 together, and no range begins with another.
  expect(buckets.reduce((sum, { prefix }) => sum + 2 ** -prefix.length, 0)).toBe(1)
  const covered = buckets.some((one) => buckets.some((other) => other !== one && other.prefix.startsWith(one.prefix)))
  expect(covered).toBe(false)
  const all = buckets.flatMap(({ contacts }) => contacts.map(({ contact }) => contact))
  expect(new Set(all.map(({ key }) => key)).size).toBe(all.length)
  expect(all.some(({ position: at }) => Buffer.compare(at, OWN) === 0)).toBe(false)
  expect(table.size).toBe(all.length)
  expect(mostOfOneHost(all)).toBeLessThanOrEqual(given.perAddress)
  for (const { prefix, contacts, waiting } of buckets) {
    expect(contacts.length).toBeLessThanOrEqual(given.bucketSize)
    expect(waiting).toBeLessThanOrEqual(given.waiting)
    expect(contacts.every(({ contact }) => begins(contact.position, prefix))).toBe(true)
    expect(mostOfOneHost(contacts.map(({ contact }) => contact))).toBeLessThanOrEqual(given.perAddressInBucket)
  }
}

function checkClosest(table: RoutingTable, known: ReadonlyMap<string, Known>, target: Position, now: number): void {
  const sorted = [...known.values()].sort((a, b) => compareDistance(target, a.contact.position, b.contact.position))
  const verified = sorted.filter((each) => isVerified(table, each, now))
  for (const count of [1, 3, 100]) {
    const expected = (of: readonly Known[]): string[] => of.slice(0, count).map(({ contact }) => contact.key)
    expect(table.closest(target, count).map(({ key }) => key)).toEqual(expected(verified))
    const likely = sorted.filter((each) => isVerified(table, each, now, 2))
    expect(table.closest(target, count, { among: 'likely' }).map(({ key }) => key)).toEqual(expected(likely))
    const unfailed = sorted.filter(({ failures }) => failures === 0)
    expect(table.closest(target, count, { among: 'unfailed' }).map(({ key }) => key)).toEqual(expected(unfailed))
    const all = table.closest(target, count, { among: 'all' })
    expect(all.map(({ key }) => key)).toEqual(expected(sorted))
  }
}

function begins(at: Position, prefix: string): boolean {
  return [...prefix].every((bit, index) => String(bitAt(at, index)) === bit)
}

function mostOfOneHost(contacts: readonly Contact[]): number {
  const counts = new Map<string, number>()
  for (const { address } of contacts) counts.set(address.host, (counts.get(address.host) ?? 0) + 1)
  return Math.max(0, ...counts.values())
}
