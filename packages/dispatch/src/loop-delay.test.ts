import { VirtualClock } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { LoopDelay } from './loop-delay.js'

/** A machine whose timers come late: `stall` makes time go on without firing what is due. */
function setUp() {
  const clock = new VirtualClock()
  let late = 0
  const slow = {
    now: () => clock.now() + late,
    unixNow: () => clock.unixNow(),
    setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
  }
  const delay = new LoopDelay(slow)
  return {
    clock,
    delay,
    sample: () => delay.sample(slow.now()),
    stall: (ms: number) => {
      late += ms
    },
  }
}

describe('LoopDelay', () => {
  it('is 0 as long as timers come in time, and sets none while nothing happens', async () => {
    const { clock, sample } = setUp()
    expect(clock.pending).toBe(0)
    for (let n = 0; n < 10; n++) {
      expect(sample()).toBe(0)
      expect(clock.pending).toBe(1)
      await clock.advance(7)
    }
    await clock.advance(20)
    expect(clock.pending).toBe(0)
  })

  it('sees a timer that is overdue before it fires', () => {
    const { sample, stall } = setUp()
    sample()
    stall(120)
    expect(sample()).toBe(100)
  })

  it('remembers for 200 ms how late the timer came', async () => {
    const { clock, sample, stall } = setUp()
    sample()
    stall(80)
    await clock.advance(20)
    expect(sample()).toBe(80)
    await clock.advance(19)
    expect(sample()).toBe(80)
    await clock.advance(1)
    // The next probe came in time.
    expect(sample()).toBe(0)
  })

  it('forgets what was measured when nothing was for 200 ms', async () => {
    const { clock, sample, stall } = setUp()
    sample()
    stall(80)
    await clock.advance(20)
    await clock.advance(200)
    expect(sample()).toBe(0)
  })

  it('leaves no timer after close', () => {
    const { clock, delay, sample } = setUp()
    sample()
    delay.close()
    expect(clock.pending).toBe(0)
  })
})
