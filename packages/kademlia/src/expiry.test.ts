import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Expiry, type Slot } from './expiry.js'

describe('Expiry', () => {
  it('names the earliest once its time has come, and keeps it until it is taken out', () => {
    const expiry = new Expiry<string>()
    expect([expiry.nextAt, expiry.due(1e9)]).toEqual([Number.POSITIVE_INFINITY, undefined])
    expiry.add('later', 20)
    const first = expiry.add('first', 10)
    expect([expiry.nextAt, expiry.due(9), expiry.due(10)?.item, expiry.due(10)?.item]).toEqual([
      10,
      undefined,
      'first',
      'first',
    ])
    expiry.remove(first)
    expect([expiry.size, expiry.due(19), expiry.due(20)?.item]).toEqual([1, undefined, 'later'])
  })

  it('lets the last one rise into a gap, when it comes from another branch', () => {
    const expiry = new Expiry<number>()
    const slots = [0, 10, 1, 11, 12, 2, 3].map((at) => expiry.add(at, at))
    const remove = (...items: number[]): void => {
      for (const slot of slots) if (items.includes(slot.item)) expiry.remove(slot)
    }
    remove(11)
    expiry.add(20, 20)
    remove(0, 1, 2)
    expect([expiry.nextAt, expiry.size]).toEqual([3, 4])
  })

  it('is in the order of a sorted list, whatever is added, moved and taken out', () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'add', 'move', 'remove'),
      which: fc.nat(),
      at: fc.integer({ min: 0, max: 50 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const expiry = new Expiry<number>()
        const slots: Slot<number>[] = []
        for (const { what, which, at } of steps) {
          const slot = slots[which % Math.max(1, slots.length)]
          if (what === 'add') slots.push(expiry.add(slots.length, at))
          else if (slot !== undefined && what === 'move') expiry.move(slot, at)
          else if (slot !== undefined) {
            expiry.remove(slot)
            slots.splice(slots.indexOf(slot), 1)
          }
          expect([expiry.size, expiry.nextAt]).toEqual([slots.length, Math.min(...slots.map((each) => each.at))])
        }
        const order: number[] = []
        for (let next = expiry.due(99); next !== undefined; next = expiry.due(99)) {
          order.push(next.at)
          expiry.remove(next)
        }
        expect(order).toEqual(slots.map(({ at }) => at).sort((a, b) => a - b))
      }),
    )
  })
})
