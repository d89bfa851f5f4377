import { expect, test } from 'vitest'
import { type Measurable, runRounds } from './rounds.js'

function contestant(name: string, measures: readonly string[], log: string[]): Measurable {
  let value = 0
  return {
    name,
    measures,
    async measure(measure, ms) {
      log.push(`${name} ${measure} ${ms}`)
      value += 1
      return { [`${measure}_per_s`]: value }
    },
  }
}

test('contestants take turns, measure by measure, and the warm-up does not count', async () => {
  const log: string[] = []
  const both = [contestant('ours', ['a', 'b'], log), contestant('raw', ['a', 'b'], log)]
  const samples = await runRounds(both, { rounds: 2, ms: 10, warmUpMs: 5 })
  const round = (ms: number) => [`ours a ${ms}`, `raw a ${ms}`, `ours b ${ms}`, `raw b ${ms}`]
  expect(log).toStrictEqual([...round(5), ...round(10), ...round(10)])
  expect(samples.get('ours')?.get('a_per_s')).toStrictEqual([3, 5])
  expect(samples.get('raw')?.get('b_per_s')).toStrictEqual([4, 6])
})

test('the first decides what is measured; the others do what they can', async () => {
  const log: string[] = []
  const contestants = [contestant('ours', ['a', 'b'], log), contestant('raw', ['b', 'c'], log)]
  const started: number[] = []
  await runRounds(contestants, { rounds: 1, ms: 10, warmUpMs: 0, onRound: (round) => started.push(round) })
  expect(log).toStrictEqual(['ours a 10', 'ours b 10', 'raw b 10'])
  expect(started).toStrictEqual([1])
})
