import { VirtualClock } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { contactAt } from '../test/_util/contacts.js'
import type { Contact } from './contact.js'
import { Lookup } from './lookup.js'
import { runLookup } from './query.js'

const SEEDS = ['0', '1', '01', '11'].map((bits) => contactAt(bits))

function setUp() {
  const clock = new VirtualClock()
  const lookup = Lookup.create({ target: contactAt('0').position, seeds: SEEDS, options: { perAddress: 99 } })
  const asked: Contact[] = []
  const waiting: { answer: () => void; fail: () => void }[] = []
  const ask = (contact: Contact): Promise<readonly Contact[]> => {
    asked.push(contact)
    return new Promise((resolve, reject) => {
      waiting.push({ answer: () => resolve([]), fail: () => reject(new Error('no answer')) })
    })
  }
  return { clock, lookup, asked, waiting, ask }
}

describe('a lookup that runs', () => {
  it('asks three at a time, and goes on with each answer and failure until all are done', async () => {
    const { clock, lookup, asked, waiting, ask } = setUp()
    let steps = 0
    const done = runLookup(lookup, { clock, ask, onStep: () => steps++ })
    expect(asked).toHaveLength(3)
    waiting[0]?.fail()
    await clock.advance(0)
    expect(asked).toHaveLength(4)
    for (const each of waiting) each.answer()
    await clock.advance(0)
    await done
    expect([steps, lookup.result().length, clock.pending]).toEqual([4, 3, 0])
  })

  it('is woken when a request gets slow, and leaves no timer behind', async () => {
    const { clock, lookup, asked, waiting, ask } = setUp()
    const done = runLookup(lookup, { clock, ask })
    await clock.advance(24)
    expect([asked.length, clock.pending]).toEqual([3, 1])
    await clock.advance(1)
    expect(asked).toHaveLength(4)
    for (const each of waiting) each.answer()
    await done
    expect(clock.pending).toBe(0)
  })

  it('rejects with the reason of its signal, at once, and asks nobody any more', async () => {
    const { clock, lookup, asked, waiting, ask } = setUp()
    const abort = new AbortController()
    const done = runLookup(lookup, { clock, ask, signal: abort.signal })
    const reason = new Error('enough')
    abort.abort(reason)
    await expect(done).rejects.toBe(reason)
    expect(clock.pending).toBe(0)
    for (const each of waiting) each.answer()
    await clock.advance(1_000)
    expect(asked).toHaveLength(3)
    const late = setUp()
    await expect(runLookup(late.lookup, { clock, ask: late.ask, signal: abort.signal })).rejects.toBe(reason)
    expect(late.asked).toEqual([])
  })

  it('ends with the answer that stopped it, whatever is under way', async () => {
    const { clock, lookup, asked, waiting, ask } = setUp()
    const done = runLookup(lookup, { clock, ask, onStep: () => lookup.stop() })
    waiting[0]?.answer()
    await clock.advance(0)
    await done
    waiting[1]?.answer()
    waiting[2]?.fail()
    await clock.advance(1_000)
    expect([asked.length, lookup.progress.answered, clock.pending]).toEqual([3, 1, 0])
  })
})
