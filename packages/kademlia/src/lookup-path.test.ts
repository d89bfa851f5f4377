import { describe, expect, it } from 'vitest'
import { at, distanceOf, each, range, steps, TARGET } from '../test/_util/lookups.js'
import type { Contact } from './contact.js'
import { Lookup } from './lookup.js'

function lookupOver(paths: number, seeds: readonly Contact[], parallelism = 1, count = 4): Lookup {
  return Lookup.create({ target: TARGET, seeds, options: { paths, parallelism, count } })
}

describe('disjoint paths (S/Kademlia §4.4)', () => {
  it('begin with the seeds dealt out in turn, nearest first', () => {
    expect(steps(lookupOver(3, each(60, 10, 50, 20, 40, 30)))).toEqual([10, 20, 30, 'until 25'])
    expect(steps(lookupOver(2, each(40, 20, 30, 10), 2))).toEqual([10, 20, 30, 40, 'until 25'])
  })

  it('learn from those they asked themselves, and from nobody else', () => {
    const lookup = lookupOver(2, each(10, 20))
    expect(steps(lookup)).toEqual([10, 20, 'until 25'])
    // An attacker on the first path hints at his own, nearer than anybody: the second goes on without them.
    lookup.answered(at(10), range(1, 4), 1)
    expect(steps(lookup, 1)).toEqual([1, 'until 25'])
    lookup.answered(at(20), each(15), 2)
    expect(steps(lookup, 2)).toEqual([15, 'until 26'])
  })

  it('ask nobody whom another path has asked, but count his answer', () => {
    const lookup = lookupOver(2, each(10, 20))
    steps(lookup)
    lookup.answered(at(10), each(5, 20), 1)
    lookup.answered(at(20), each(5, 10), 1)
    expect(steps(lookup, 1)).toEqual([5, 'until 26'])
    lookup.answered(at(5), [], 2)
    expect(steps(lookup, 2)).toEqual(['done'])
    expect(lookup.result().map(distanceOf)).toEqual([5, 10, 20])
    expect(lookup.progress.asked).toBe(3)
  })

  it('are not in their last round because another path asked the nearest', () => {
    const lookup = lookupOver(2, each(10, 20))
    steps(lookup)
    lookup.answered(at(10), [], 1)
    lookup.answered(at(20), each(10, 30, 40), 1)
    expect(steps(lookup, 1)).toEqual([30, 'until 26'])
  })

  it('end each by itself, and the lookup with the last (disjoint_query_does_not_finish_before_all_paths_did)', () => {
    const lookup = lookupOver(2, each(10, 20))
    steps(lookup)
    lookup.answered(at(10), [], 1)
    expect(steps(lookup, 1)).toEqual(['until 25'])
    lookup.answered(at(20), each(19), 2)
    expect(steps(lookup, 2)).toEqual([19, 'until 27'])
    lookup.failed(at(19), 3)
    expect(steps(lookup, 3)).toEqual(['done'])
    expect(lookup.result().map(distanceOf)).toEqual([10, 20])
  })

  it('do not share a wrong address: the one that knows a better one tries it when the other is slow', () => {
    const lookup = lookupOver(2, each(10, 20))
    steps(lookup)
    lookup.answered(at(10), [at(5, 'wrong')], 1)
    expect(lookup.next(1)).toEqual({ type: 'ask', contact: at(5, 'wrong') })
    lookup.answered(at(20), [at(5, 'right')], 2)
    expect(steps(lookup, 2)).toEqual(['until 26'])
    expect(lookup.next(26)).toEqual({ type: 'ask', contact: at(5, 'right') })
    lookup.answered(at(5, 'right'), [], 27)
    expect(steps(lookup, 27)).toEqual(['done'])
    expect(lookup.result()[0]).toEqual(at(5, 'right'))
  })

  it('try no third address of a peer either', () => {
    const lookup = lookupOver(3, each(10, 20, 30))
    steps(lookup)
    for (const [contact, host] of [
      [at(10), 'a'],
      [at(20), 'b'],
      [at(30), 'c'],
    ] as const) {
      lookup.answered(contact, [at(5, host)], 1)
    }
    const asked: string[] = []
    for (let now = 1; now < 200; now++) {
      for (let step = lookup.next(now); step.type === 'ask'; step = lookup.next(now)) {
        asked.push(`${step.contact.address.host} ${now}`)
      }
    }
    expect(asked).toEqual(['a 1', 'b 26'])
  })
})
