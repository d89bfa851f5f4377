import { expect, test } from 'vitest'
import { DescriptorSpell } from './descriptor-spell.js'

test('pauses double up to 5 s while there is trouble, and a spell is news once', () => {
  const spell = new DescriptorSpell()
  let now = 1_000
  const pauses = []
  for (let times = 0; times < 8; times += 1) {
    const { pauseMs, begins } = spell.note(now)
    expect(begins).toBe(times === 0)
    pauses.push(pauseMs)
    now += pauseMs
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000])
})

test.each([
  ['10 s after the end of the pause', 10_000, { pauseMs: 100, begins: true }],
  ['a moment before', 9_999, { pauseMs: 200, begins: false }],
])('a spell is over %s', (_, calm, expected) => {
  const spell = new DescriptorSpell()
  const { pauseMs } = spell.note(0)
  expect(spell.note(pauseMs + calm)).toEqual(expected)
})
