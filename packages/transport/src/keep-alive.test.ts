import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KeepAlive } from './keep-alive.js'

describe('the dialler', () => {
  test('pings after 5 s of silence and gives up 2 s later', () => {
    const rule = new KeepAlive(true, 0)
    expect(rule.dueAt).toBe(5_000)
    expect(rule.wake(5_000, 0, 4_000)).toBe('ping')
    expect(rule.dueAt).toBe(7_000)
    expect(rule.wake(6_999, 0, 5_000)).toBe('wait')
    expect(rule.wake(7_000, 0, 5_000)).toBe('dead')
  })

  test('takes any byte as life', () => {
    const rule = new KeepAlive(true, 0)
    rule.wake(5_000, 0, 0)
    expect(rule.wake(7_000, 6_000, 5_000)).toBe('wait')
    expect(rule.dueAt).toBe(10_000)
  })

  test('pings when it has sent nothing for 5 s, however much it hears: the acceptor has to hear something too', () => {
    const rule = new KeepAlive(true, 0)
    expect(rule.wake(5_000, 4_999, 0)).toBe('ping')
    expect(rule.wake(7_000, 6_999, 5_000)).toBe('wait')
    expect(rule.dueAt).toBe(10_000)
  })

  test('does not give up somebody it heard while that ping was on its way out', () => {
    const rule = new KeepAlive(true, 0)
    rule.wake(5_000, 4_999, 0)
    expect(rule.wake(7_000, 4_999, 5_000)).toBe('wait')
    expect(rule.dueAt).toBe(11_999)
    expect(rule.wake(11_999, 4_999, 5_000)).toBe('dead')
  })

  test('is alive when heard in the very turn of the ping', () => {
    const rule = new KeepAlive(true, 0)
    rule.wake(5_000, 0, 4_000)
    expect(rule.wake(7_000, 5_000, 5_000)).toBe('wait')
    expect(rule.dueAt).toBe(10_000)
  })

  test('need not look again for an answer that has come: 5 s after the ping the next one is due', () => {
    const rule = new KeepAlive(true, 0)
    rule.wake(5_000, 0, 4_000)
    rule.postpone(5_002, 5_000)
    expect(rule.dueAt).toBe(10_000)
    expect(rule.wake(10_000, 5_002, 5_000)).toBe('ping')
  })

  test('goes on waiting when what came is older than the ping', () => {
    const rule = new KeepAlive(true, 0)
    rule.wake(5_000, 0, 4_000)
    rule.postpone(4_999, 5_000)
    expect(rule.dueAt).toBe(7_000)
    expect(rule.wake(7_000, 0, 5_000)).toBe('dead')
  })

  test('takes a timer that is 1 s late for a busy process, and 1 ms more for a gap', () => {
    const busy = new KeepAlive(true, 0)
    busy.wake(5_000, 0, 0)
    expect(busy.wake(8_000, 0, 5_000)).toBe('dead')
    const slept = new KeepAlive(true, 0)
    slept.wake(5_000, 0, 0)
    expect(slept.wake(8_001, 0, 5_000)).toBe('ping')
  })

  test('pings anew after a gap instead of giving up', () => {
    const rule = new KeepAlive(true, 0)
    rule.wake(5_000, 0, 0)
    expect(rule.wake(60_000, 0, 5_000)).toBe('ping')
    expect(rule.wake(62_000, 0, 60_000)).toBe('dead')
  })
})

describe('the acceptor', () => {
  test('never pings, and gives up after 7.5 s of silence', () => {
    const rule = new KeepAlive(false, 0)
    expect(rule.wake(7_500, 3_000, 0)).toBe('wait')
    expect(rule.dueAt).toBe(10_500)
    expect(rule.wake(10_500, 3_000, 0)).toBe('dead')
  })

  test('counts its silence anew from each ping', () => {
    const rule = new KeepAlive(false, 0)
    rule.postpone(5_000, 5_000)
    expect(rule.dueAt).toBe(12_500)
    expect(rule.wake(12_500, 5_000, 5_000)).toBe('dead')
  })

  test('pings after a gap, and gives up when even that is not answered', () => {
    const rule = new KeepAlive(false, 0)
    expect(rule.wake(3_600_000, 0, 0)).toBe('ping')
    expect(rule.dueAt).toBe(3_602_000)
    expect(rule.wake(3_602_000, 0, 3_600_000)).toBe('dead')
    const living = new KeepAlive(false, 0)
    living.wake(3_600_000, 0, 0)
    expect(living.wake(3_602_000, 3_600_100, 3_600_000)).toBe('wait')
    const answering = new KeepAlive(false, 0)
    answering.wake(3_600_000, 0, 0)
    answering.postpone(3_600_100, 3_600_000)
    expect(answering.dueAt).toBe(3_607_600)
  })
})

test('whatever came before: silence is found within 7.5 s, and nobody who spoke within 4 s is given up', () => {
  const traffic = fc.array(fc.tuple(fc.integer({ min: 1, max: 4_000 }), fc.boolean()), { maxLength: 30 })
  fc.assert(
    fc.property(traffic, fc.boolean(), (pauses, dialled) => {
      const rule = new KeepAlive(dialled, 0)
      let [now, heard, sent] = [0, 0, 0]
      for (const [pause, postponed] of pauses) {
        const next = heard + pause
        while (rule.dueAt <= next) {
          now = rule.dueAt
          const step = rule.wake(now, heard, sent)
          expect(step).not.toBe('dead')
          if (step === 'ping') sent = now
        }
        heard = next
        if (postponed) rule.postpone(heard, sent)
      }
      for (;;) {
        now = Math.max(now, rule.dueAt)
        const step = rule.wake(now, heard, sent)
        if (step === 'dead') break
        if (step === 'ping') sent = now
        expect(now - heard).toBeLessThan(7_500)
      }
      expect(now - heard).toBeLessThanOrEqual(7_500)
    }),
  )
})
