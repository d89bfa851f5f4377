import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadlines, type Waiting } from './deadlines.js'

interface Item extends Waiting {
  readonly name: string
}
const item = (name: string): Item => ({ name, dueAt: Number.POSITIVE_INFINITY })

function allDue(deadlines: Deadlines<Item>, now: number): string[] {
  const names: string[] = []
  for (let due = deadlines.take(now); due !== undefined; due = deadlines.take(now)) names.push(due.name)
  return names
}

describe('Deadlines', () => {
  it('gives what is due by moment, then in the order it was set, each once', () => {
    const deadlines = new Deadlines<Item>()
    for (const [name, at] of [
      ['late', 9],
      ['b', 5],
      ['a', 5],
      ['first', 1],
    ] as const)
      deadlines.set(item(name), at)
    expect(deadlines.nextAt).toBe(1)
    expect(allDue(deadlines, 5)).toEqual(['first', 'b', 'a'])
    expect(deadlines.nextAt).toBe(9)
    expect(allDue(deadlines, 8)).toEqual([])
    expect(allDue(deadlines, 9)).toEqual(['late'])
    expect(deadlines.nextAt).toBe(Number.POSITIVE_INFINITY)
  })

  it('follows an item that is moved, either way, and forgets one that is called off', () => {
    const deadlines = new Deadlines<Item>()
    const [moved, off] = [item('moved'), item('off')]
    deadlines.set(moved, 5)
    deadlines.set(moved, 9)
    deadlines.set(off, 3)
    deadlines.clear(off)
    expect(deadlines.nextAt).toBe(9)
    deadlines.set(moved, 2)
    expect(allDue(deadlines, 100)).toEqual(['moved'])
    deadlines.set(moved, Number.POSITIVE_INFINITY)
    expect(deadlines.nextAt).toBe(Number.POSITIVE_INFINITY)
  })

  it('keeps no more than twice what waits, but for a few, whatever is called off before its time', () => {
    const deadlines = new Deadlines<Item>()
    const first = item('first')
    deadlines.set(first, 1)
    for (let n = 0; n < 10_000; n++) {
      const one = item('called off')
      deadlines.set(one, 1_000 + n)
      deadlines.clear(one)
    }
    expect(deadlines.size).toBeLessThan(200)
    expect(allDue(deadlines, 1e6)).toEqual(['first'])
  })

  it('property: is a sorted list', () => {
    const steps = fc.array(fc.tuple(fc.nat(5), fc.option(fc.nat(20))), { maxLength: 300 })
    fc.assert(
      fc.property(steps, (list) => {
        const deadlines = new Deadlines<Item>()
        const items = Array.from({ length: 6 }, (_, n) => item(String(n)))
        for (const [n, at] of list) {
          if (at === null) deadlines.clear(items[n] as Item)
          else deadlines.set(items[n] as Item, at)
          expect(deadlines.nextAt).toBe(Math.min(...items.map(({ dueAt }) => dueAt)))
        }
        const waiting = items.filter(({ dueAt }) => dueAt <= 10)
        expect(allDue(deadlines, 10).sort()).toEqual(waiting.map(({ name }) => name).sort())
      }),
    )
  })
})
