import type { PeerId } from '@pc/identity'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fakeRecord, idsOfList, listsOfFakes } from '../test/_util/lists.js'
import { LIST_SILENT_MS, LIST_TTL_MS } from './peer-list.js'

const MINUTE = 60_000
const IDS = [...idsOfList(0, 5), ...idsOfList(11, 5)]
const [MAX_PER_LIST, MAX_ENTRIES] = [4, 7]

interface Kept {
  sequence: number
  left: boolean
  renewedAt: number
  asked: boolean
}

/** The rules once more, without heap, order or index. */
class NaiveLists {
  readonly kept = new Map<number, Kept>()

  bring(which: number, sequence: number, age: number, own: boolean, now: number): string {
    this.#end(now)
    if (age >= LIST_TTL_MS) return 'expired'
    const held = this.kept.get(which)
    if (held === undefined) {
      const alike = [...this.kept.keys()].filter((other) => other < 5 === which < 5)
      if (alike.length >= MAX_PER_LIST || this.kept.size >= MAX_ENTRIES) return 'full'
      this.kept.set(which, { sequence, left: false, renewedAt: now - age, asked: false })
      return 'listed'
    }
    if (held.left && sequence <= held.sequence) return 'left'
    if (!held.left && sequence < held.sequence) return 'older'
    const renews = sequence === held.sequence
    if (renews && !own && age > 0 && now - age <= held.renewedAt) return 'known'
    const renewedAt = Math.max(held.renewedAt, now - age)
    this.kept.set(which, { sequence, left: false, renewedAt, asked: false })
    return renews ? 'renewed' : 'listed'
  }

  leave(which: number, sequence: number, now: number): string {
    this.#end(now)
    const held = this.kept.get(which)
    if (held === undefined) return 'unknown'
    if (sequence < held.sequence) return 'older'
    if (!held.left || sequence > held.sequence)
      this.kept.set(which, { sequence, left: true, renewedAt: now, asked: false })
    return 'removed'
  }

  silent(now: number): number[] {
    this.#end(now)
    const silent = [...this.kept].filter(
      ([, each]) => !each.left && !each.asked && each.renewedAt + LIST_SILENT_MS <= now,
    )
    for (const [, each] of silent) each.asked = true
    return silent.map(([which]) => which)
  }

  drop(which: number): boolean {
    return this.kept.get(which)?.asked === true && this.kept.delete(which)
  }

  shown(first: number, now: number): number[] {
    this.#end(now)
    return [...this.kept].filter(([which, { left }]) => !left && which < 5 === first < 5).map(([which]) => which)
  }

  #end(now: number): void {
    for (const [which, { renewedAt }] of this.kept) if (renewedAt + LIST_TTL_MS <= now) this.kept.delete(which)
  }
}

const step = fc.record({
  what: fc.constantFrom('add', 'add', 'take', 'leave', 'silent', 'drop'),
  which: fc.nat(9),
  sequence: fc.nat(3),
  wait: fc.constantFrom(0, 0, 1, 2, 5),
  age: fc.constantFrom(0, 1, 4, 6, 10),
})

it('lists do as some that walk all entries do: life, limits, marks, silence, order', () => {
  const listOfId = (which: number): number => (which < 5 ? 0 : 11)
  const numberOf = (id: PeerId): number => IDS.findIndex((other) => other.equals(id))
  const ascending = (all: number[]): number[] => all.sort((a, b) => a - b)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lists = listsOfFakes({ maxPerList: MAX_PER_LIST, maxEntries: MAX_ENTRIES })
      const naive = new NaiveLists()
      let now = 0
      const said = (outcome: unknown): unknown => (outcome as { refused?: unknown }).refused ?? outcome
      for (const { what, which, sequence, wait, age } of steps) {
        now += wait * MINUTE
        const [id, list, ageMs] = [IDS[which] as PeerId, listOfId(which), age * MINUTE]
        const bytes = fakeRecord(id, sequence)
        if (what === 'add') {
          expect(said(lists.add(list, bytes, id, now))).toBe(naive.bring(which, sequence, 0, true, now))
        } else if (what === 'take') {
          expect(said(lists.takeOver(list, bytes, ageMs, now))).toBe(naive.bring(which, sequence, ageMs, false, now))
        } else if (what === 'leave') {
          expect(said(lists.remove(id.bytes, sequence, bytes, now))).toBe(naive.leave(which, sequence, now))
        } else if (what === 'silent') {
          expect(ascending(lists.silent(now, 99).map(numberOf))).toEqual(ascending(naive.silent(now)))
        } else {
          lists.expire(now)
          naive.shown(0, now)
          expect(lists.drop(id)).toBe(naive.drop(which))
        }
        const shown = lists.page(list, undefined, 4, now).entries.map((entry) => numberOf(entry.id))
        expect(ascending(shown)).toEqual(ascending(naive.shown(which, now)))
        expect(lists.size).toBe(naive.kept.size)
      }
      const ends = Math.max(0, ...[...naive.kept.values()].map(({ renewedAt }) => renewedAt + LIST_TTL_MS))
      if (lists.size > 0) {
        lists.expire(ends - 1)
        expect(lists.size).toBeGreaterThan(0)
      }
      lists.expire(ends)
      expect([lists.size, lists.dueAt]).toEqual([0, Number.POSITIVE_INFINITY])
    }),
    { numRuns: 400 },
  )
})
