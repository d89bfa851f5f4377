import { SeededRandom } from '@pc/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { at, distanceOf, TARGET } from '../test/_util/lookups.js'
import type { Contact } from './contact.js'
import { Lookup, type LookupStep } from './lookup.js'

const OWN = at(7)
const HOSTS = 40

/** Whatever a lookup may be told: few peers, so that they are hinted at again and again, some at two or three addresses. */
const setting = fc.record({
  seed: fc.integer(),
  seeds: fc.integer({ min: 0, max: 30 }),
  peers: fc.constantFrom(30, 300, 60_000),
  count: fc.integer({ min: 1, max: 20 }),
  parallelism: fc.integer({ min: 1, max: 5 }),
  paths: fc.integer({ min: 1, max: 5 }),
  perAddress: fc.integer({ min: 1, max: 4 }),
  maxRequests: fc.integer({ min: 1, max: 60 }),
  /** Chances of a request: to be answered at once, late, to fail; otherwise it is forgotten. */
  prompt: fc.double({ min: 0, max: 1, noNaN: true }),
  late: fc.double({ min: 0, max: 1, noNaN: true }),
  failing: fc.double({ min: 0, max: 1, noNaN: true }),
})

type Setting = typeof setting extends fc.Arbitrary<infer Value> ? Value : never

interface Asked {
  readonly contact: Contact
  readonly at: number
  /** When it is answered or fails, if ever. */
  readonly endsAt: number
  readonly fails: boolean
  answered: boolean
}

interface Run {
  readonly asked: readonly Asked[]
  readonly lookup: Lookup
}

/** Runs a lookup to its end. `look` is called after each step, with what was asked so far. */
function run(options: Setting, look: (step: LookupStep, now: number, asked: readonly Asked[]) => void = () => {}): Run {
  const random = new SeededRandom(options.seed)
  const anybody = (): Contact => at(random.integer(1, options.peers), `10.0.0.${random.integer(1, HOSTS)}`)
  const some = (most: number): Contact[] => Array.from({ length: random.integer(0, most) }, anybody)
  const seeds = Array.from({ length: options.seeds }, anybody)
  const { count, parallelism, paths, perAddress, maxRequests } = options
  const lookup = Lookup.create({
    target: TARGET,
    seeds,
    options: {
      self: OWN.key,
      count,
      parallelism,
      paths,
      perAddress,
      maxRequests,
      slowAfterMs: () => 25 * random.float(),
    },
  })
  const asked: Asked[] = []
  const open = new Set<Asked>()
  let now = 0
  for (let rounds = 0; ; rounds++) {
    if (rounds > 10_000) throw new Error('it does not end')
    const step = lookup.next(now)
    look(step, now, asked)
    if (step.type === 'done') return { asked, lookup }
    if (step.type === 'ask') {
      const endsAt = random.chance(options.prompt)
        ? now + 5 * random.float()
        : now + (random.chance(options.late) ? 150 * random.float() : Number.POSITIVE_INFINITY)
      const one = { contact: step.contact, at: now, endsAt, fails: random.chance(options.failing), answered: false }
      asked.push(one)
      open.add(one)
      continue
    }
    const next = [...open].reduce<Asked | undefined>(
      (a, b) => (a !== undefined && a.endsAt <= b.endsAt ? a : b),
      undefined,
    )
    if (next === undefined || next.endsAt > step.until) {
      now = step.until
      continue
    }
    now = next.endsAt
    open.delete(next)
    if (next.fails) lookup.failed(next.contact, now)
    else {
      next.answered = true
      lookup.answered(next.contact, some(25), now)
    }
  }
}

test('property: every lookup ends, with no more requests than its paths may send', () => {
  fc.assert(
    fc.property(setting, (options) => {
      const { asked, lookup } = run(options)
      expect(asked.length).toBeLessThanOrEqual(options.paths * options.maxRequests)
      expect(lookup.progress.asked).toBe(asked.length)
    }),
  )
})

test('property: nobody is asked twice at one address, by whichever path, nor at three; itself never', () => {
  fc.assert(
    fc.property(setting, (options) => {
      const hosts = new Map<string, string[]>()
      for (const { contact } of run(options).asked) {
        hosts.set(contact.key, [...(hosts.get(contact.key) ?? []), contact.address.host])
      }
      expect(hosts.has(OWN.key)).toBe(false)
      for (const all of hosts.values()) {
        expect(all.length).toBeLessThanOrEqual(2)
        expect(new Set(all).size).toBe(all.length)
      }
    }),
  )
})

test('property: the result is sorted, without duplicates, of the nearest that answered', () => {
  fc.assert(
    fc.property(setting, (options) => {
      const { asked, lookup } = run(options)
      const answered = new Set(asked.filter((one) => one.answered).map(({ contact }) => contact))
      const distances = [...new Set([...answered].map(distanceOf))].sort((a, b) => a - b)
      expect(lookup.result().map(distanceOf)).toEqual(distances.slice(0, options.count))
      for (const contact of lookup.result()) expect(answered.has(contact)).toBe(true)
    }),
  )
})

test('property: it waits for a time that is yet to come', () => {
  fc.assert(
    fc.property(setting, (options) => {
      run(options, (step, now) => {
        if (step.type === 'wait') expect(step.until).toBeGreaterThan(now)
        if (step.type === 'wait') expect(step.until).toBeLessThanOrEqual(now + 7 * 25)
      })
    }),
  )
})

test('property: no more than alpha requests are under way on each path, as long as each answer brings something nearer', () => {
  const shape = [fc.integer(), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 4 })] as const
  fc.assert(
    fc.property(...shape, (seed, parallelism, paths) => {
      const random = new SeededRandom(seed)
      const seeds = Array.from({ length: 40 }, (_, index) => at(60_000 + index))
      const lookup = Lookup.create({ target: TARGET, seeds, options: { parallelism, paths, maxRequests: 300 } })
      const open: Contact[] = []
      let nearest = 60_000
      for (let answers = 0; answers < 200; answers++) {
        for (let step = lookup.next(0); step.type === 'ask'; step = lookup.next(0)) open.push(step.contact)
        expect(open.length).toBe(parallelism * paths)
        const [answering] = open.splice(random.integer(0, open.length - 1), 1)
        if (answering !== undefined) lookup.answered(answering, [at(--nearest), at(--nearest)], 0)
      }
    }),
  )
})

test('property: without loss the count nearest of all that anybody told of have answered', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4 }), (seed, count, paths) => {
      const random = new SeededRandom(seed)
      const told = new Set<number>()
      const some = (): Contact[] =>
        Array.from({ length: 20 }, () => at(random.integer(1, 2_000))).map((contact) => {
          told.add(distanceOf(contact))
          return contact
        })
      const lookup = Lookup.create({ target: TARGET, seeds: some(), options: { count, paths, maxRequests: 10_000 } })
      for (let step = lookup.next(0); step.type === 'ask'; step = lookup.next(0))
        lookup.answered(step.contact, some(), 0)
      expect(lookup.next(0).type).toBe('done')
      expect(lookup.result().map(distanceOf)).toEqual([...told].sort((a, b) => a - b).slice(0, count))
    }),
  )
})
