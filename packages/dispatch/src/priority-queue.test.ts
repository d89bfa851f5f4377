import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPriority, PRIORITIES, Priority } from './priority.js'
import { PriorityQueue, type Waiting } from './priority-queue.js'

interface Item extends Waiting {
  readonly name: number
}

const item = (priority: Priority, name = 0): Item => ({ priority, name, before: undefined, after: undefined })

function drain(queue: PriorityQueue<Item>): Item[] {
  const taken: Item[] = []
  for (let first = queue.first(); first !== undefined; first = queue.first()) {
    taken.push(first)
    expect(queue.delete(first)).toBe(true)
  }
  return taken
}

describe('Priority', () => {
  it('has eight classes, numbered without gaps; a number is never given another meaning', () => {
    expect(Priority).toEqual({
      OWN_REPLY: 0,
      SESSION: 1,
      MEMBERSHIP: 2,
      READ: 3,
      DISCOVERY: 4,
      GOSSIP: 5,
      STORE: 6,
      SEARCH: 7,
    })
    expect(PRIORITIES).toBe(8)
  })

  it.each([
    [0, true],
    [7, true],
    [8, false],
    [-1, false],
    [1.5, false],
    ['1', false],
    [undefined, false],
  ])('takes %j for a priority: %j', (value, expected) => {
    expect(isPriority(value)).toBe(expected)
  })
})

describe('PriorityQueue', () => {
  it('gives the lowest class first, and within a class who came first', () => {
    const queue = new PriorityQueue<Item>()
    for (const [name, priority] of ([5, 0, 7, 0, 5] as Priority[]).entries()) queue.add(item(priority, name))
    expect(queue.size).toBe(5)
    expect(drain(queue).map(({ name }) => name)).toEqual([1, 3, 0, 4, 2])
    expect(queue.size).toBe(0)
    expect(queue.first()).toBeUndefined()
  })

  it('says no to what does not wait in it, twice taken included', () => {
    const queue = new PriorityQueue<Item>()
    const [one, stranger] = [item(2), item(2)]
    queue.add(one)
    expect(queue.delete(stranger)).toBe(false)
    expect(queue.delete(one)).toBe(true)
    expect(queue.delete(one)).toBe(false)
    expect(queue.size).toBe(0)
  })

  it('takes again what has left it', () => {
    const queue = new PriorityQueue<Item>()
    const [one, two] = [item(3, 1), item(3, 2)]
    queue.add(one)
    queue.add(two)
    queue.delete(one)
    queue.add(one)
    expect(drain(queue)).toEqual([two, one])
  })

  it('property: does what a list sorted by class and arrival does', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), priority: fc.integer({ min: 0, max: PRIORITIES - 1 }) }),
      fc.record({ do: fc.constant('first' as const), priority: fc.constant(0) }),
      fc.record({ do: fc.constant('delete' as const), priority: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new PriorityQueue<Item>()
        let list: Item[] = []
        const remove = (gone: Item | undefined): void => {
          if (gone === undefined) return
          expect(queue.delete(gone)).toBe(true)
          list = list.filter((other) => other !== gone)
        }
        for (const [name, { do: what, priority }] of steps.entries()) {
          const sorted = list.toSorted((a, b) => a.priority - b.priority || a.name - b.name)
          expect(queue.first()).toBe(sorted[0])
          if (what === 'add') {
            const added = item(priority as Priority, name)
            queue.add(added)
            list.push(added)
          } else remove(what === 'first' ? sorted[0] : list[priority % Math.max(1, list.length)])
          expect(queue.size).toBe(list.length)
        }
      }),
    )
  })
})
