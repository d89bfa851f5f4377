import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isInMask, SequenceWindow, WINDOW } from './sequence-window.js'

it('agrees with a set that forgets what is too old', () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 4_000 })), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(steps, (sequences) => {
      const window = new SequenceWindow()
      const model = new Set<number>()
      let greatest = 0
      for (const sequence of sequences) {
        const known = sequence <= greatest && (greatest - sequence >= WINDOW || model.has(sequence))
        expect(window.has(sequence)).toBe(known)
        if (known) continue
        window.add(sequence)
        model.add(sequence)
        greatest = Math.max(greatest, sequence)
      }
      const { mask } = window
      for (let below = 1; below < WINDOW; below++) {
        expect(isInMask(mask, below)).toBe(greatest - below < 1 || model.has(greatest - below))
      }
    }),
    { numRuns: 50 },
  )
})

it('has an empty mask while nothing is missing', () => {
  const window = new SequenceWindow()
  for (let sequence = 1; sequence <= 40; sequence++) window.add(sequence)
  expect(window.greatest).toBe(40)
  expect(window.mask).toHaveLength(0)
  window.add(50)
  expect(window.mask).toEqual(new Uint8Array([0, 0b11111110]).subarray(0, 2))
})

it('what is too old to tell leaves the window as it is: a large body may come long after its rumor', () => {
  const window = new SequenceWindow()
  window.add(WINDOW + 5)
  window.add(2)
  expect([window.has(WINDOW + 2), window.greatest]).toEqual([false, WINDOW + 5])
})
