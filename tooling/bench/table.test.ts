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

test('what was measured once has no range, and a count of nothing still has a bar', () => {
  const figures = [
    { name: 'kib_each', unit: 'cost', text: 'memory', bar: { beyondRawAtMost: 25 } },
    { name: 'handshakes', unit: 'cost', text: 'none' },
  ] as const
  const ours = new Map([
    ['kib_each', [60]],
    ['handshakes', [0]],
  ])
  const samples = new Map([
    ['ours', ours],
    ['raw', new Map([['kib_each', [40]]])],
  ])
  const benchmark = { name: 'x', summary: '', placement: 'one process', builds: [], contestants: { ours: '' } } as const
  expect(tableOf(judge({ ...benchmark, figures }, samples))).toStrictEqual([
    '',
    '  kib_each  memory, shorter is better: ours is 1.5 × raw; ours is 20 beyond raw',
    `    ours ${'█'.repeat(28)}${' '.repeat(15)}60`,
    `    raw  ${'█'.repeat(18)}▋${' '.repeat(9)}${' '.repeat(15)}40`,
    '',
    '  handshakes  none, shorter is better',
    `    ours ▏${' '.repeat(27)}${' '.repeat(16)}0`,
  ])
})
