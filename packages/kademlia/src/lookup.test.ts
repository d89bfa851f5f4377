import { describe, expect, it } from 'vitest'
import { at, distanceOf, each, range, steps, TARGET } from '../test/_util/lookups.js'
import type { Contact } from './contact.js'
import { Lookup } from './lookup.js'
import type { LookupOptions } from './lookup-options.js'

function lookupFrom(seeds: readonly Contact[], options: LookupOptions = {}): Lookup {
  return Lookup.create({ target: TARGET, seeds, options })
}

const found = (lookup: Lookup): number[] => lookup.result().map(distanceOf)

describe('whom a lookup asks', () => {
  it('the three nearest of its seeds first, whatever their order, then the next nearest for each answer (§2.3)', () => {
    const lookup = lookupFrom(each(90, 40, 70, 50, 60))
    expect(steps(lookup)).toEqual([40, 50, 60, 'until 25'])
    lookup.answered(at(60), each(30, 80, 20), 1)
    expect(steps(lookup, 1)).toEqual([20, 'until 25'])
    lookup.answered(at(20), each(10), 2)
    expect(steps(lookup, 2)).toEqual([10, 'until 25'])
  })

  it('until the count nearest have answered, and none farther', () => {
    const lookup = lookupFrom(each(10, 20, 30, 40), { count: 2 })
    expect(steps(lookup)).toEqual([10, 20, 'until 25'])
    lookup.answered(at(20), each(15), 1)
    lookup.answered(at(10), each(5), 1)
    expect(steps(lookup, 1)).toEqual([5, 'until 26'])
    lookup.answered(at(5), each(10), 2)
    expect(steps(lookup, 2)).toEqual(['done'])
    expect(found(lookup)).toEqual([5, 10])
  })

  it('never itself, and nobody twice', () => {
    const lookup = lookupFrom(each(10, 20, 20, 3), { self: at(3).key })
    expect(steps(lookup)).toEqual([10, 20, 'until 25'])
    lookup.answered(at(10), each(3, 10, 20), 1)
    lookup.failed(at(20), 1)
    expect(steps(lookup, 1)).toEqual(['done'])
    expect(found(lookup)).toEqual([10])
  })

  it('the next one in the place of one that failed', () => {
    const lookup = lookupFrom(each(10, 20, 30), { count: 2 })
    expect(steps(lookup)).toEqual([10, 20, 'until 25'])
    lookup.failed(at(10), 1)
    expect(steps(lookup, 1)).toEqual([30, 'until 25'])
  })

  it('of the hints of one answer the first 20', () => {
    const lookup = lookupFrom(each(1_000))
    steps(lookup)
    lookup.answered(at(1_000), [...range(101, 119), at(20), at(10)], 1)
    expect(steps(lookup, 1)).toEqual([20, 101, 102, 'until 26'])
  })

  it('two contacts of one host, and another one when one of them failed', () => {
    const lookup = lookupFrom([at(1, 'host'), at(2, 'host'), at(3, 'host'), at(4)])
    expect(steps(lookup)).toEqual([1, 2, 4, 'until 25'])
    lookup.failed(at(1, 'host'), 1)
    lookup.answered(at(4), [at(3, 'host')], 1)
    expect(steps(lookup, 1)).toEqual([3, 'until 25'])
  })

  it('no more than it may, whatever it is told', () => {
    const lookup = lookupFrom(each(60_000), { maxRequests: 7 })
    let asked = 0
    for (let now = 0; ; now++) {
      const step = lookup.next(now)
      if (step.type !== 'ask') break
      lookup.answered(step.contact, each(60_000 - ++asked), now)
    }
    expect([asked, lookup.next(99).type]).toEqual([7, 'done'])
  })
})

describe('the last round', () => {
  it('goes to all of the count nearest at once when the nearest has answered and knew nothing nearer', () => {
    const lookup = lookupFrom(range(1, 30))
    expect(steps(lookup)).toEqual([1, 2, 3, 'until 25'])
    lookup.answered(at(2), [], 1)
    expect(steps(lookup, 1)).toEqual([4, 'until 25'])
    lookup.answered(at(1), [], 2)
    expect(steps(lookup, 2)).toEqual([...range(5, 20).map(distanceOf), 'until 25'])
  })

  it('goes when three answers in a row brought nothing nearer, though the nearest is silent', () => {
    const lookup = lookupFrom(range(1, 9))
    expect(steps(lookup)).toEqual([1, 2, 3, 'until 25'])
    lookup.answered(at(2), each(100), 1)
    lookup.answered(at(3), each(100), 1)
    expect(steps(lookup, 1)).toEqual([4, 5, 'until 25'])
    lookup.answered(at(5), [], 2)
    expect(steps(lookup, 2)).toEqual([6, 7, 8, 9, 100, 'until 25'])
  })

  it('ends when something nearer turns up', () => {
    const lookup = lookupFrom(each(10, 20, 30, 40, 50), { parallelism: 1 })
    expect(steps(lookup)).toEqual([10, 'until 25'])
    lookup.answered(at(10), each(5, 6, 7), 1)
    expect(steps(lookup, 1)).toEqual([5, 'until 26'])
  })
})

describe('time', () => {
  it('takes the place from a slow request after the time-out of that contact', () => {
    const lookup = lookupFrom(range(1, 9), { slowAfterMs: (contact) => (distanceOf(contact) === 2 ? 10 : 40) })
    expect(steps(lookup)).toEqual([1, 2, 3, 'until 10'])
    expect(steps(lookup, 9.9)).toEqual(['until 10'])
    expect(steps(lookup, 10)).toEqual([4, 'until 35'])
    expect(lookup.progress.slow).toBe(1)
  })

  it('waits for a slow one before the end, but not for longer than three and a half time-outs', () => {
    const lookup = lookupFrom(each(1, 2))
    steps(lookup)
    lookup.answered(at(2), [], 3)
    expect(steps(lookup, 3)).toEqual(['until 25'])
    expect(steps(lookup, 25)).toEqual(['until 87.5'])
    expect(steps(lookup, 87)).toEqual(['until 87.5'])
    expect(steps(lookup, 87.5)).toEqual(['done'])
    expect(found(lookup)).toEqual([2])
  })

  it('waits for seven time-outs if nobody answers at all', () => {
    const lookup = lookupFrom(each(1))
    expect(steps(lookup)).toEqual([1, 'until 25'])
    expect(steps(lookup, 90)).toEqual(['until 175'])
    expect(steps(lookup, 175)).toEqual(['done'])
    expect(found(lookup)).toEqual([])
  })

  it('lets late answers count until the end, if they had not failed', () => {
    const lookup = lookupFrom(range(1, 4))
    expect(steps(lookup)).toEqual([1, 2, 3, 'until 25'])
    lookup.failed(at(2), 20)
    lookup.answered(at(2), each(99), 21)
    expect(steps(lookup, 21)).toEqual([4, 'until 25'])
    expect(steps(lookup, 100)).toEqual(['until 108.5'])
    lookup.answered(at(1), each(50), 101)
    expect(steps(lookup, 101)).toEqual([50, 'until 108.5'])
    lookup.answered(at(50), [], 102)
    expect(steps(lookup, 108.5)).toEqual(['done'])
    lookup.answered(at(3), each(60), 109)
    expect(steps(lookup, 109)).toEqual(['done'])
    expect(found(lookup)).toEqual([1, 50])
  })

  it('goes by the time of an answer also if nobody asked what was next when a request became slow', () => {
    const lookup = lookupFrom(range(1, 9))
    steps(lookup)
    lookup.failed(at(3), 30)
    expect(lookup.progress).toMatchObject({ slow: 3, failed: 1 })
    expect(steps(lookup, 30)).toEqual([4, 5, 6, 'until 55'])
  })
})

describe('what it is told', () => {
  it('is ignored if nobody was asked', () => {
    const lookup = lookupFrom(each(1, 2), { parallelism: 1 })
    expect(steps(lookup)).toEqual([1, 'until 25'])
    lookup.answered(at(2), each(9), 1)
    lookup.answered(at(1, '10.9.9.9'), each(9), 1)
    lookup.failed(at(77), 1)
    expect(steps(lookup, 1)).toEqual(['until 25'])
    expect(lookup.progress).toEqual({ asked: 1, answered: 0, failed: 0, slow: 0, hops: 0 })
  })

  it('counts once', () => {
    const lookup = lookupFrom(each(1, 2))
    steps(lookup)
    for (let times = 0; times < 3; times++) lookup.answered(at(2), [], 1)
    for (let times = 0; times < 3; times++) lookup.failed(at(2), 1)
    expect(lookup.progress).toMatchObject({ answered: 1, failed: 0 })
  })

  it('shows how far it is, and how many hops it took to the nearest', () => {
    const lookup = lookupFrom(each(50, 60))
    steps(lookup)
    lookup.answered(at(50), each(40), 1)
    steps(lookup, 1)
    lookup.answered(at(40), each(30), 2)
    steps(lookup, 2)
    lookup.answered(at(30), [], 3)
    lookup.failed(at(60), 3)
    expect(lookup.progress).toEqual({ asked: 4, answered: 3, failed: 1, slow: 0, hops: 3 })
  })

  it('ends the lookup, if it was to stop', () => {
    const lookup = lookupFrom(each(1, 2, 3, 4))
    steps(lookup)
    lookup.answered(at(2), [], 1)
    lookup.stop()
    lookup.answered(at(1), [], 1)
    expect(steps(lookup, 1)).toEqual(['done'])
    expect(found(lookup)).toEqual([2])
  })

  it('ends at once without a seed', () => {
    expect(steps(lookupFrom([]))).toEqual(['done'])
  })
})
