import { describe, expect, it } from 'vitest'
import { at, distanceOf, each, range, steps, TARGET } from '../test/_util/lookups.js'
import { Lookup } from './lookup.js'
import type { Candidate } from './lookup-candidate.js'
import { Shortlist } from './lookup-shortlist.js'

const HOST = '10.1.1.1'

const shown = (list: Shortlist): string[] =>
  list.candidates.map(({ contact }) => `${distanceOf(contact)} ${contact.address.host}`)

function candidateAt(list: Shortlist, index: number): Candidate {
  const candidate = list.candidates[index]
  if (candidate === undefined) throw new Error(`nothing at ${index}`)
  return candidate
}

/** A shortlist of contacts of our own, and those who hint at others. */
function shortlist(size = 9, perAddress = 9): { list: Shortlist; informers: Candidate[] } {
  const list = new Shortlist(TARGET, size, perAddress)
  for (const contact of each(501, 502, 503, 504)) list.add(contact, undefined)
  return { list, informers: [...list.candidates] }
}

describe('Shortlist', () => {
  it('keeps the nearest in order, drops the farthest, and says what is nearer than all', () => {
    const list = new Shortlist(TARGET, 3, 9)
    expect([50, 20, 90, 30, 10, 60].map((distance) => list.add(at(distance), undefined))).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
    ])
    expect(list.candidates.map(({ contact }) => distanceOf(contact))).toEqual([10, 20, 30])
  })

  it('does not count those that failed, and keeps them', () => {
    const list = new Shortlist(TARGET, 2, 9)
    for (const contact of each(10, 20)) list.add(contact, undefined)
    const failed = candidateAt(list, 0)
    failed.state = 'failed'
    list.failed(failed)
    for (const contact of each(30, 40, 10)) list.add(contact, undefined)
    expect(list.candidates.map(({ contact }) => distanceOf(contact))).toEqual([10, 20, 30])
  })

  it('is as long as it may be again when one that failed was dropped', () => {
    const list = new Shortlist(TARGET, 1, 9)
    list.add(at(20), undefined)
    const failed = candidateAt(list, 0)
    failed.state = 'failed'
    list.failed(failed)
    for (const contact of each(10, 5, 3)) list.add(contact, undefined)
    expect(list.candidates.map(({ contact }) => distanceOf(contact))).toEqual([3])
  })

  it('is not told of those it does not have', () => {
    const list = new Shortlist(TARGET, 1, 1)
    const { list: other } = shortlist()
    other.add(at(30, HOST), undefined)
    list.failed(candidateAt(other, 0))
    for (const contact of [at(20, HOST), at(10, HOST), at(15)]) list.add(contact, undefined)
    expect(shown(list)).toEqual(['15 10.0.0.15'])
  })

  it('takes two contacts of one host, and one more for each that failed', () => {
    const list = new Shortlist(TARGET, 9, 2)
    for (const distance of [30, 20, 10]) list.add(at(distance, HOST), undefined)
    expect(shown(list)).toEqual([`20 ${HOST}`, `30 ${HOST}`])
    const failed = candidateAt(list, 0)
    failed.state = 'failed'
    list.failed(failed)
    list.add(at(10, HOST), undefined)
    list.add(at(5, HOST), undefined)
    expect(shown(list)).toEqual([`10 ${HOST}`, `20 ${HOST}`, `30 ${HOST}`])
  })

  it('has room for a host again when its contact was dropped as the farthest', () => {
    const list = new Shortlist(TARGET, 1, 1)
    list.add(at(30, HOST), undefined)
    list.add(at(20), undefined)
    list.add(at(10, HOST), undefined)
    expect(shown(list)).toEqual([`10 ${HOST}`])
  })

  it('counts how many hops a contact is away', () => {
    const { list, informers } = shortlist()
    list.add(at(7), informers[0])
    expect([candidateAt(list, 0).hops, candidateAt(list, 1).hops]).toEqual([2, 1])
  })
})

describe('a peer at two addresses', () => {
  it('keeps the address that was told first', () => {
    const { list, informers } = shortlist()
    list.add(at(7, 'first'), undefined)
    list.add(at(7, 'second'), informers[0])
    list.add(at(7, 'first'), informers[1])
    expect(shown(list).slice(0, 3)).toEqual(['7 first', '7 second', '501 10.0.1.245'])
  })

  it('keeps of all others the one most hinted at, one vote for each informer', () => {
    const { list, informers } = shortlist()
    const [a, b, c] = informers
    list.add(at(7, 'first'), a)
    for (let times = 0; times < 9; times++) list.add(at(7, 'wrong'), a)
    list.add(at(7, 'right'), b)
    list.add(at(7, 'right'), c)
    expect(shown(list).slice(0, 2)).toEqual(['7 first', '7 right'])
    list.add(at(7, 'right'), b)
    list.add(at(7, 'wrong'), a)
    expect(shown(list).slice(0, 2)).toEqual(['7 first', '7 right'])
  })

  it('is replaced by what another path has asked, but for addresses that one did not try', () => {
    const { list, informers } = shortlist(6, 1)
    list.add(at(7, 'asked'), informers[0])
    list.add(at(7, 'other'), informers[1])
    const { list: there } = shortlist()
    there.add(at(7, 'asked'), undefined)
    const known = candidateAt(there, 0)
    list.replace(0, known)
    expect(shown(list).slice(0, 3)).toEqual(['7 asked', '7 other', '501 10.0.1.245'])
    expect([list.candidates[0], list.candidates[1]?.first]).toEqual([known, known])
    list.add(at(8, 'asked'), undefined)
    list.add(at(8, 'other'), undefined)
    expect(list.candidates).toHaveLength(6)
  })

  it('leaves room when another path has found that it failed', () => {
    const { list } = shortlist(5, 1)
    list.add(at(7, 'here'), undefined)
    const { list: there } = shortlist()
    there.add(at(7, 'here'), undefined)
    const known = candidateAt(there, 0)
    known.state = 'failed'
    list.replace(0, known)
    list.add(at(8, 'here'), undefined)
    expect(shown(list)).toHaveLength(6)
    expect(shown(list).slice(0, 2)).toEqual(['7 here', '8 here'])
  })

  it('has no third when two were asked', () => {
    const { list } = shortlist()
    list.add(at(7, 'first'), undefined)
    const { list: there } = shortlist()
    there.add(at(7, 'second'), undefined)
    candidateAt(list, 0).second = candidateAt(there, 0)
    list.add(at(7, 'third'), undefined)
    expect(shown(list).slice(0, 2)).toEqual(['7 first', '501 10.0.1.245'])
  })

  it('gets one vote of each informer for the address it has, too', () => {
    const { list, informers } = shortlist()
    const [a, b, c, d] = informers
    list.add(at(7, 'first'), undefined)
    list.add(at(7, 'wrong'), a)
    for (let times = 0; times < 9; times++) list.add(at(7, 'wrong'), b)
    list.add(at(7, 'right'), c)
    list.add(at(7, 'right'), d)
    expect(shown(list).slice(0, 2)).toEqual(['7 first', '7 right'])
  })

  it('is reached at the second when the first is slow or has failed, and not at a third', () => {
    for (const silence of ['slow', 'failed']) {
      const lookup = Lookup.create({ target: TARGET, seeds: each(30) })
      steps(lookup)
      lookup.answered(at(30), [at(10, 'wrong'), at(10, 'right'), at(10, 'right')], 1)
      expect(steps(lookup, 1)).toEqual([10, 'until 26'])
      if (silence === 'failed') lookup.failed(at(10, 'wrong'), 2)
      const now = silence === 'failed' ? 2 : 26
      expect(lookup.next(now)).toEqual({ type: 'ask', contact: at(10, 'right') })
      lookup.answered(at(10, 'right'), [at(10, 'third'), at(40)], now + 1)
      lookup.failed(at(10, 'wrong'), now + 1)
      expect(steps(lookup, now + 1)).toEqual([40, `until ${now + 26}`])
      expect(lookup.result().map(({ address }) => address.host)).toEqual(['right', '10.0.0.30'])
    }
  })

  it('counts once, at the address where it answered first', () => {
    const lookup = Lookup.create({ target: TARGET, seeds: [at(10, 'slow'), at(10, 'fast')], options: { count: 2 } })
    steps(lookup)
    steps(lookup, 25)
    lookup.answered(at(10, 'fast'), [], 26)
    lookup.answered(at(10, 'slow'), each(20, 30), 27)
    expect(steps(lookup, 27)).toEqual([20, 'until 52'])
    lookup.answered(at(20), [], 28)
    expect(steps(lookup, 28)).toEqual(['done'])
    expect(lookup.result()).toEqual([at(10, 'fast'), at(20)])
  })

  it('counts once also while its first address is slow', () => {
    const seeds = [at(10, 'slow'), at(10, 'fast'), at(20)]
    const lookup = Lookup.create({ target: TARGET, seeds, options: { count: 2, parallelism: 1 } })
    expect(steps(lookup)).toEqual([10, 'until 25'])
    expect(steps(lookup, 25)).toEqual([10, 'until 50'])
    lookup.answered(at(10, 'fast'), [], 26)
    expect(steps(lookup, 26)).toEqual([20, 'until 51'])
  })

  it('is not made unreachable by a hint, if it is in our own table', () => {
    const lookup = Lookup.create({ target: TARGET, seeds: [...range(1, 4), at(9, 'ours')] })
    steps(lookup)
    for (const contact of range(1, 3)) lookup.answered(contact, [at(9, 'wrong')], 1)
    const asked: unknown[] = []
    for (let step = lookup.next(1); step.type === 'ask'; step = lookup.next(1)) asked.push(step.contact)
    expect(asked).toEqual([at(4), at(9, 'ours')])
  })
})
