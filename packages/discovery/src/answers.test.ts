import { describe, expect, it } from 'vitest'
import { Answers, answerProbability, answerSpread } from './answers.js'

const nonce = new Uint8Array(8)
const asker = (port: number, connectedToAsker = false) => ({
  to: { host: '192.0.2.7', port },
  nonce,
  connectedToAsker,
})

describe('answers', () => {
  it.each([
    [0, false, 1],
    [5_000, false, 1],
    [0, true, 1],
    [8, true, 1],
    [16, true, 0.5],
    [200, true, 0.04],
  ])('with %d connected, asker known: %s, are given with probability %d', (connected, known, probability) => {
    expect(answerProbability(connected, known)).toBe(probability)
  })

  it.each([
    [0, 20],
    [20, 21],
    [200, 30],
    [4_600, 250],
    [10_000, 250],
  ])('with %d connected, spread over %d ms', (connected, spread) => {
    expect(answerSpread(connected)).toBe(spread)
  })

  it('come once, after their delay', () => {
    const answers = new Answers(() => 0.5)
    expect(answers.dueAt).toBe(Number.POSITIVE_INFINITY)
    expect(answers.ask(asker(1), 0, 100)).toBe('granted')
    expect(answers.dueAt).toBe(110)
    expect(answers.take(109)).toEqual([])
    expect(answers.take(110)).toEqual([{ at: 110, to: { host: '192.0.2.7', port: 1 }, nonce }])
    expect(answers.take(111)).toEqual([])
  })

  it('are left to others with a probability', () => {
    expect(new Answers(() => 0.49).ask(asker(1, true), 16, 0)).toBe('granted')
    expect(new Answers(() => 0.5).ask(asker(1, true), 16, 0)).toBe('declined')
    expect(new Answers(() => 0.999).ask(asker(1, false), 16, 0)).toBe('granted')
  })

  it('are given once a second to an asker', () => {
    const answers = new Answers(() => 0)
    expect([0, 1, 999, 1_000, 1_500, 2_000].map((now) => answers.ask(asker(1), 0, now))).toEqual([
      'granted',
      'limited',
      'limited',
      'granted',
      'limited',
      'granted',
    ])
  })

  it('are no more than ten in any second, whoever asks', () => {
    const answers = new Answers(() => 0)
    let granted = 0
    for (let port = 1; port <= 1_000; port++) {
      if (answers.ask(asker(port), 0, port * 3) === 'granted') granted++
    }
    expect(granted).toBe(30)
    expect(answers.take(10_000)).toHaveLength(30)
  })
})
