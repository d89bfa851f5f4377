import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Trace } from './trace.js'

type Field = string | number | Uint8Array

function digest(events: readonly (readonly [string, ...Field[]])[]): string {
  const trace = new Trace()
  for (const [kind, ...fields] of events) trace.add(kind, ...fields)
  expect(trace.events).toBe(events.length)
  return trace.digest()
}

it('tells any two different lists of events apart, and no equal ones', () => {
  const field = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.double(), fc.uint8Array({ maxLength: 4 }))
  const events = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'ab'), field, field), { maxLength: 4 })
  fc.assert(
    fc.property(events, events, (one, other) => {
      expect(digest(one)).toBe(digest(structuredClone(one)))
      const same = JSON.stringify(one.map(describe)) === JSON.stringify(other.map(describe))
      expect(digest(one) === digest(other)).toBe(same)
    }),
  )
})

const describe = (event: readonly Field[]): string[] =>
  event.map((field) =>
    typeof field === 'number'
      ? `n${Object.is(field, -0) ? '-0' : field}`
      : typeof field === 'string'
        ? `s${Buffer.from(field).toString('hex')}`
        : `b${Buffer.from(field).toString('hex')}`,
  )

it('minds the order and the borders between fields', () => {
  const digests = [
    digest([['a', 'b', 'c']]),
    digest([['a', 'bc']]),
    digest([['a', 'b'], ['c']]),
    digest([['c'], ['a', 'b']]),
    digest([['a', Uint8Array.of(98), 'c']]),
    digest([['a', 0]]),
    digest([['a', -0]]),
    digest([['a', '0']]),
  ]
  expect(new Set(digests).size).toBe(digests.length)
})

it('takes fields of any size, and goes on after a digest', () => {
  const trace = new Trace()
  for (const size of [0, 23, 24, 25, 65_530, 65_535, 65_536, 65_537, 300_000]) {
    trace.add('bytes', new Uint8Array(size))
    trace.add('text', 'ü'.repeat(size))
    trace.digest()
  }
  const whole = new Trace()
  for (const size of [0, 23, 24, 25, 65_530, 65_535, 65_536, 65_537, 300_000]) {
    whole.add('bytes', new Uint8Array(size))
    whole.add('text', 'ü'.repeat(size))
  }
  expect(trace.digest()).toBe(whole.digest())
  expect(trace.digest()).toMatch(/^[0-9a-f]{64}$/)
})
