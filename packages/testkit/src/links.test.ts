import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Agenda } from './agenda.js'
import { Interface } from './interface.js'
import { Links } from './links.js'
import { SeededRandom } from './seeded-random.js'

it('has room at the very moment that waiting senders are woken at, whatever the rounding', () => {
  const share = fc.constantFrom(0.5, 1, 0.3)
  const size = fc.integer({ min: 1, max: 70_000 })
  fc.assert(
    fc.property(
      size,
      size,
      share,
      fc.array(size, { minLength: 20, maxLength: 40 }),
      (bandwidth, queueBytes, part, sizes) => {
        const links = new Links(new Agenda(undefined), new SeededRandom(1), { bandwidth, queueBytes })
        const by = new Interface({ address: '10.0.0.1' }, 0, false)
        let now = 1 / 3
        for (const bytes of sizes) {
          if (links.sent(by, bytes, now, part) !== undefined) continue
          const woken = links.roomAt(by, part)
          expect(woken).toBeGreaterThan(now)
          now = woken
          expect(links.sent(by, bytes, now, part)).toBeGreaterThan(now)
        }
      },
    ),
    { numRuns: 300 },
  )
})
