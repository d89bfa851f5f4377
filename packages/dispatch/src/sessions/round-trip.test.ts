import { describe, expect, it } from 'vitest'
import { RoundTrip, repetitionAfter, requestRepetitionAfter } from './round-trip.js'

function after(...measures: number[]): RoundTrip {
  const roundTrip = new RoundTrip()
  for (const ms of measures) roundTrip.measured(ms)
  return roundTrip
}

describe('RoundTrip', () => {
  it('waits 25 ms before anything is known', () => {
    expect([after().timeoutMs, after().smoothed]).toEqual([25, undefined])
  })

  it('RFC 6298 §2.2: the first measure R gives R + 4 · R/2', () => {
    expect([after(20).smoothed, after(20).timeoutMs]).toEqual([20, 60])
  })

  it('RFC 6298 §2.3: the variance moves by 1/4, then the mean by 1/8', () => {
    const roundTrip = after(20, 60)
    expect(roundTrip.smoothed).toBe(25)
    expect(roundTrip.timeoutMs).toBe(25 + 4 * (10 + (40 - 10) / 4))
  })

  it('stays between 10 and 250 ms', () => {
    expect(after(0.1).timeoutMs).toBe(10)
    expect(after(9_000).timeoutMs).toBe(250)
    expect(after(...Array.from({ length: 100 }, () => 40)).timeoutMs).toBeCloseTo(40)
  })
})

describe('what is sent again', () => {
  it('goes after 1, 3, 7 and 15 time-outs to strangers, and by a session at steady pauses for a while, then at longer ones', () => {
    expect([1, 2, 3, 4].map((n) => repetitionAfter(n, 25))).toEqual([25, 75, 175, 375])
    const times = Array.from({ length: 11 }, (_, n) => requestRepetitionAfter(n + 1, 1))
    expect(times).toEqual([1, 3, 7, 11, 15, 19, 23, 27, 35, 51, 83])
  })
})

describe('RoundTrip.answeredAgain', () => {
  it('doubles the time-out up to 250 ms, once in a time-out, until an answer is measured (RFC 6298 §5.5)', () => {
    const roundTrip = after(1)
    expect(roundTrip.timeoutMs).toBe(10)
    const timeouts = [100, 101, 130, 200, 400, 900, 1_900, 3_900].map((now) => {
      roundTrip.answered(now)
      roundTrip.answeredAgain(now, now)
      return roundTrip.timeoutMs
    })
    expect(timeouts).toEqual([20, 20, 40, 80, 160, 250, 250, 250])
    roundTrip.measured(1)
    expect(roundTrip.timeoutMs).toBe(10)
  })

  it('counts the second answer to a request alone: no first one, no third one, and nothing that nobody asked', () => {
    const roundTrip = after(1)
    roundTrip.answeredAgain(1, 100)
    roundTrip.answered(1)
    roundTrip.answeredAgain(2, 200)
    expect(roundTrip.timeoutMs).toBe(10)
    roundTrip.answeredAgain(1, 300)
    roundTrip.answeredAgain(1, 400)
    expect(roundTrip.timeoutMs).toBe(20)
  })

  it('remembers the latest 32', () => {
    const roundTrip = after(1)
    for (let key = 0; key < 33; key++) roundTrip.answered(key)
    roundTrip.answeredAgain(0, 100)
    expect(roundTrip.timeoutMs).toBe(10)
    roundTrip.answeredAgain(1, 100)
    expect(roundTrip.timeoutMs).toBe(20)
  })
})
