import type { Clock } from '@pc/transport'
import { describe, expect, test } from 'vitest'
import { WakeTimer } from './wake-timer.js'

/** A machine that may run timers late, as real ones do. */
class LateClock implements Clock {
  time = 1_000
  timers: { at: number; run: () => void }[] = []

  now(): number {
    return this.time
  }

  unixNow(): number {
    return this.time
  }

  setTimeout(run: () => void, ms: number): unknown {
    const timer = { at: this.time + ms, run }
    this.timers.push(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.timers = this.timers.filter((one) => one !== timer)
  }

  /** Comes to that time, and runs what is due then. */
  come(time: number): void {
    this.time = time
    const due = this.timers.filter(({ at }) => at <= time)
    this.timers = this.timers.filter(({ at }) => at > time)
    for (const { run } of due) run()
  }
}

function setUp(next: () => number = () => Number.POSITIVE_INFINITY) {
  const clock = new LateClock()
  const called: number[] = []
  const timer = new WakeTimer(clock, (now) => {
    called.push(now)
    timer.at(next())
  })
  const waiting = (): number[] => clock.timers.map(({ at }) => at)
  return { clock, called, timer, waiting }
}

describe('WakeTimer', () => {
  test('has one timer, for the earliest moment that it was told', () => {
    const { clock, called, timer, waiting } = setUp()
    timer.at(Number.POSITIVE_INFINITY)
    expect(waiting()).toEqual([])
    for (const moment of [1_050, 1_070, 1_020, 1_030]) timer.at(moment)
    expect(waiting()).toEqual([1_020])
    clock.come(1_020)
    expect(called).toEqual([1_020])
    expect(waiting()).toEqual([])
  })

  test('goes on with what it is told when it calls, a moment that has passed too', () => {
    const moments = [1_005, 1_100, Number.POSITIVE_INFINITY]
    const { clock, called, timer, waiting } = setUp(() => moments.shift() as number)
    timer.at(1_010)
    clock.come(1_010)
    expect(waiting()).toEqual([1_010])
    clock.come(1_010)
    expect(waiting()).toEqual([1_100])
    clock.come(1_100.5)
    expect(called).toEqual([1_010, 1_010, 1_100.5])
  })

  test('that comes late lets sockets be read once before it calls', () => {
    const { clock, called, timer, waiting } = setUp()
    timer.at(1_010)
    clock.come(1_060)
    expect([called, waiting()]).toEqual([[], [1_060]])
    // Whatever is told meanwhile waits for the same turn.
    timer.at(1_040)
    expect(waiting()).toEqual([1_060])
    clock.come(1_200)
    expect([called, waiting()]).toEqual([[1_200], []])
  })

  test('calls nothing once it is closed', () => {
    const { clock, called, timer, waiting } = setUp()
    timer.at(1_010)
    timer.close()
    timer.at(1_005)
    expect(waiting()).toEqual([])
    clock.come(1_100)
    expect(called).toEqual([])
  })
})
