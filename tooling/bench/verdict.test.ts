import { describe, expect, test } from 'vitest'
import { type Benchmark, type Figure, measuredName } from './benchmark.js'
import { judge, type Verdict } from './verdict.js'

const RATE: Figure = { name: 'rr64', unit: 'per_s', text: 'requests' }
const LATENCY: Figure = { name: 'rr1_p50', unit: 'us', text: 'a request' }
const COST: Figure = { name: 'kib_each', unit: 'cost', text: 'memory' }

function verdictOn(figure: Figure, ours: readonly number[] | undefined, raw?: readonly number[]): Verdict {
  const name = measuredName(figure)
  const samples = new Map<string, Map<string, readonly number[]>>()
  samples.set('ours', new Map(ours === undefined ? [] : [[name, ours]]))
  samples.set('raw', new Map(raw === undefined ? [] : [[name, raw]]))
  return judge(benchmarkOf(figure), samples)
}

function benchmarkOf(...figures: Figure[]): Benchmark {
  return { name: 'x', summary: '', placement: 'one process', builds: [], contestants: { ours: '' }, figures }
}

describe('figures', () => {
  test('each is there absolute, raw beside it, and as the ratio of the medians', () => {
    const { figures, spread, pass } = verdictOn(RATE, [50, 60, 40], [100, 200, 100])
    expect(figures).toStrictEqual({ rr64_per_s: 50, raw_rr64_per_s: 100, rr64_vs_raw: 0.5 })
    expect(spread).toStrictEqual({ rr64_per_s: [40, 60], raw_rr64_per_s: [100, 200], rr64_vs_raw: [0.3, 0.5] })
    expect(pass).toBe(true)
  })

  test('what was not measured is absent, not zero', () => {
    expect(verdictOn(RATE, [50]).figures).toStrictEqual({ rr64_per_s: 50 })
    expect(verdictOn(RATE, undefined).figures).toStrictEqual({})
  })

  test('a count and a cost are named by themselves', () => {
    const count: Figure = { name: 'parked', unit: 'count', text: '' }
    const cost: Figure = { name: 'idle_cpu_share', unit: 'cost', text: '' }
    const ours = new Map([
      ['parked', [3]],
      ['idle_cpu_share', [0.5]],
    ])
    const { figures } = judge(benchmarkOf(count, cost), new Map([['ours', ours]]))
    expect(figures).toStrictEqual({ parked: 3, idle_cpu_share: 0.5 })
  })

  test('what lies beyond raw is a figure where there is a bar on it', () => {
    const { figures, spread } = verdictOn({ ...COST, bar: { beyondRawAtMost: 25 } }, [50, 60, 40], [30, 20, 30])
    expect(figures.kib_each_beyond_raw).toBe(20)
    expect(spread.kib_each_beyond_raw).toStrictEqual([10, 40])
    expect(verdictOn(COST, [50], [30]).figures).not.toHaveProperty('kib_each_beyond_raw')
  })

  test('a benchmark that is measured once has figures and no spread', () => {
    const samples = new Map([['ours', new Map([['rr64_per_s', [1]]])]])
    const { figures, spread } = judge({ ...benchmarkOf(RATE), once: { ms: 1 } }, samples)
    expect([figures, spread]).toStrictEqual([{ rr64_per_s: 1 }, {}])
  })

  test('there is no ratio to nothing', () => {
    expect(verdictOn(COST, [5], [0]).figures).toStrictEqual({ kib_each: 5, raw_kib_each: 0 })
  })

  test('other contestants carry their own name', () => {
    const samples = new Map([
      ['ours', new Map([['rr64_per_s', [1]]])],
      ['fdatasync', new Map([['rr64_per_s', [2]]])],
    ])
    expect(judge(benchmarkOf(RATE), samples).figures).toStrictEqual({ rr64_per_s: 1, fdatasync_rr64_per_s: 2 })
  })

  test('a number under an unknown name is a fault of the benchmark', () => {
    const samples = new Map([['ours', new Map([['rr64', [1]]])]])
    expect(() => judge(benchmarkOf(RATE), samples)).toThrow('measured "rr64", which is not one of: rr64_per_s')
  })
})

describe('void: the raw baseline must reach 0.7 of what is quoted', () => {
  const rate = { ...RATE, quotedRaw: 1_000 }
  const latency = { ...LATENCY, quotedRaw: 70 }
  test.each<[string, Figure, number, boolean]>([
    ['a rate of exactly 0.7', rate, 700, false],
    ['a rate a little below', rate, 699, true],
    ['a rate far above', rate, 5_000, false],
    ['a latency of exactly the quoted ÷ 0.7', latency, 100, false],
    ['a latency a little above', latency, 101, true],
    ['a latency far below', latency, 10, false],
  ])('%s', (_what, figure, raw, isVoid) => {
    const { voidReasons, pass } = verdictOn(figure, [raw], [raw])
    expect(voidReasons.length > 0).toBe(isVoid)
    expect(pass).toBe(!isVoid)
  })

  test('it is the median that counts, not one bad round', () => {
    expect(verdictOn(rate, [1, 1, 1], [1_000, 10, 1_000]).voidReasons).toStrictEqual([])
  })

  test('a quoted raw figure that was not measured makes the run void', () => {
    expect(verdictOn(rate, [1]).voidReasons).toStrictEqual(['raw_rr64_per_s was not measured'])
  })

  test('the reason names figure, value and limit', () => {
    expect(verdictOn(rate, [1], [100]).voidReasons).toStrictEqual([
      'raw_rr64_per_s is 100, expected at least 700 (quoted 1000, 0.7 of it is enough)',
    ])
  })
})

describe('bars', () => {
  const tail: Figure = { ...LATENCY, name: 'rr1_p99', tail: true }
  const inMs: Figure = { ...LATENCY, unit: 'ms' }
  test.each<[string, Figure, number, number, boolean]>([
    ['a ratio of exactly the bar', { ...RATE, bar: { ratioAtLeast: 0.6 } }, 60, 100, true],
    ['a ratio below', { ...RATE, bar: { ratioAtLeast: 0.6 } }, 59.9, 100, false],
    ['a latency within 25 µs of noise', { ...LATENCY, bar: { ratioAtMost: 1.15 } }, 140, 100, true],
    ['a latency beyond it', { ...LATENCY, bar: { ratioAtMost: 1.15 } }, 140.1, 100, false],
    ['a latency in ms within 25 µs', { ...inMs, bar: { ratioAtMost: 1 } }, 10.025, 10, true],
    ['a latency in ms beyond it', { ...inMs, bar: { ratioAtMost: 1 } }, 10.026, 10, false],
    ['a p99 within 1 ms', { ...tail, bar: { ratioAtMost: 2 } }, 1_200, 100, true],
    ['a p99 beyond it', { ...tail, bar: { ratioAtMost: 2 } }, 1_201, 100, false],
    ['a rate has no noise', { ...RATE, bar: { ratioAtMost: 1 } }, 101, 100, false],
    ['an absolute bar from below', { ...RATE, bar: { atLeast: 50 } }, 49, 100, false],
    ['an absolute bar is exact for latencies too', { ...LATENCY, bar: { atMost: 50 } }, 50.1, 100, false],
    ['a cost at its bar', { ...COST, bar: { atMost: 25 } }, 25, 1, true],
    ['a cost above it, however little: no noise is allowed', { ...COST, bar: { atMost: 25 } }, 25.01, 1, false],
    ['as much beyond raw as may be', { ...COST, bar: { beyondRawAtMost: 25 } }, 55, 30, true],
    ['more than that beyond raw', { ...COST, bar: { beyondRawAtMost: 25 } }, 55.1, 30, false],
    ['less than raw', { ...COST, bar: { beyondRawAtMost: 25 } }, 10, 30, true],
    ['several bars, one missed', { ...RATE, bar: { atLeast: 10, ratioAtLeast: 0.6 } }, 50, 100, false],
  ])('%s', (_what, figure, ours, raw, holds) => {
    const { missed, pass } = verdictOn(figure, [ours], [raw])
    expect(missed.length === 0).toBe(holds)
    expect(pass).toBe(holds)
  })

  test('a bar on what was not measured does not hold', () => {
    expect(verdictOn({ ...RATE, bar: { atLeast: 1 } }, undefined).missed).toStrictEqual(['rr64_per_s was not measured'])
    expect(verdictOn({ ...RATE, bar: { ratioAtLeast: 1 } }, [1]).missed).toStrictEqual(['rr64_vs_raw was not measured'])
    expect(verdictOn({ ...COST, bar: { beyondRawAtMost: 1 } }, [1]).missed).toStrictEqual([
      'kib_each_beyond_raw was not measured',
    ])
  })

  test('what is missed says value, bar and noise', () => {
    expect(verdictOn({ ...LATENCY, bar: { ratioAtMost: 1.15 } }, [200], [100]).missed).toStrictEqual([
      'rr1_p50_vs_raw is 2, expected at most 1.15 and 25 us of noise',
    ])
  })

  test('without judging neither bars nor the void rule count', () => {
    const figure = { ...RATE, quotedRaw: 1_000, bar: { atLeast: 1_000 } }
    const samples = new Map([['ours', new Map([['rr64_per_s', [1]]])]])
    expect(judge(benchmarkOf(figure), samples, false)).toMatchObject({ pass: true, missed: [], voidReasons: [] })
  })
})
