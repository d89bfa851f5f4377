import { expect, test } from 'vitest'
import { barOf, tableOf } from './table.js'
import { judge } from './verdict.js'

test('a bar is as long as its share of the longest, to an eighth, and never invisible', () => {
  expect(barOf(1)).toBe('█'.repeat(28))
  expect(barOf(0.5)).toBe('█'.repeat(14))
  expect(barOf(0.51)).toBe(`${'█'.repeat(14)}▎`)
  expect(barOf(0)).toBe('▏')
})

test('one block per figure that was measured, with ranges and ratio', () => {
  const figures = [
    { name: 'rr1_p50', unit: 'us', text: 'a request' },
    { name: 'absent', unit: 'ms', text: 'nobody measured it' },
  ] as const
  const samples = new Map([
    ['ours', new Map([['rr1_p50_us', [200, 300, 250]]])],
    ['raw', new Map([['rr1_p50_us', [100, 125, 150]]])],
  ])
  const benchmark = {
    name: 'x',
    summary: '',
    placement: 'one process',
    builds: [],
    contestants: { ours: '' },
    figures,
  } as const
  expect(tableOf(judge(benchmark, samples))).toStrictEqual([
    '',
    '  rr1_p50  a request, shorter is better: ours is 2 × raw (rounds 1.667 – 2.4)',
    `    ours ${'█'.repeat(28)}           250 µs   200 – 300`,
    `    raw  ${'█'.repeat(14).padEnd(28)}           125 µs   100 – 150`,
  ])
})
