import { describe, expect, test } from 'vitest'
import { atSize, type Benchmark } from './benchmark.js'
import { parseOptions, UsageError } from './options.js'
import { planOf } from './plan.js'

const IN_ROUNDS: Benchmark = {
  name: 'wire',
  summary: '',
  placement: 'one process',
  builds: [],
  contestants: { ours: '' },
  figures: [],
}
const ONCE: Benchmark = { ...IN_ROUNDS, name: 'parked', once: { ms: 60_000 }, connections: 10_000 }

const plan = (benchmark: Benchmark, line: string) =>
  planOf(benchmark, parseOptions(line.split(' '), ['wire', 'parked']))

describe('a benchmark in rounds', () => {
  test('a second each, where nothing is asked for', () => {
    expect(plan(IN_ROUNDS, 'wire')).toStrictEqual({ rounds: 5, ms: 1_000, warmUpMs: 500, connections: 0 })
  })

  test('longer ones, where the benchmark says so', () => {
    const longer = { ...IN_ROUNDS, ms: 5_000 }
    expect([plan(longer, 'wire').ms, plan(longer, 'wire --ms 20').ms]).toStrictEqual([5_000, 20])
  })

  test('under the bars of its size', () => {
    const barAt = (nodes: number) => (nodes <= 20 ? { atMost: nodes } : undefined)
    const fixed = { name: 'reach', unit: 'count', text: '', bar: { atLeast: 1 } } as const
    const sized: Benchmark = { ...IN_ROUNDS, figures: [{ name: 'last', unit: 'ms', text: '', barAt }, fixed] }
    const bars = (nodes: number) => atSize(sized, nodes).figures.map(({ bar }) => bar)
    expect([bars(20), bars(21)]).toStrictEqual([
      [{ atMost: 20 }, { atLeast: 1 }],
      [undefined, { atLeast: 1 }],
    ])
  })

  test('as asked', () => {
    const asked = plan(IN_ROUNDS, 'wire --rounds 6 --ms 20 --warm-up 0')
    expect(asked).toStrictEqual({ rounds: 6, ms: 20, warmUpMs: 0, connections: 0 })
  })

  test('that holds no connections refuses a number of them, but not among all', () => {
    expect(() => plan(IN_ROUNDS, 'wire --connections 5')).toThrow(UsageError)
    expect(plan(IN_ROUNDS, 'all --connections 5').connections).toBe(0)
    expect(plan(IN_ROUNDS, 'wire --smoke').connections).toBe(0)
  })
})

describe('a benchmark that is measured once', () => {
  test('has one round without warm-up, of its own length and size', () => {
    expect(plan(ONCE, 'parked')).toStrictEqual({ rounds: 1, ms: 60_000, warmUpMs: 0, connections: 10_000 })
  })

  test('has it shorter and smaller when asked, and still once', () => {
    const asked = plan(ONCE, 'parked --rounds 9 --warm-up 9 --ms 500 --connections 70')
    expect(asked).toStrictEqual({ rounds: 1, ms: 500, warmUpMs: 0, connections: 70 })
  })

  test('is short and small in a smoke run', () => {
    expect(plan(ONCE, 'parked --smoke')).toStrictEqual({ rounds: 1, ms: 30, warmUpMs: 0, connections: 32 })
  })
})
