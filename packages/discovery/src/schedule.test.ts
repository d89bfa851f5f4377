import { describe, expect, it } from 'vitest'
import { passiveInterval, Schedule } from './schedule.js'

/** The times of the announcements until `until`. */
function run(schedule: Schedule, until: number, connected = 0): number[] {
  const times: number[] = []
  while (schedule.dueAt <= until) {
    const now = schedule.dueAt
    times.push(now)
    schedule.announced(now, connected)
  }
  return times
}

describe('Schedule', () => {
  it('announces eight times within 32 s, then every 30 s', () => {
    const schedule = new Schedule(() => 0.5)
    expect(schedule.dueAt).toBe(Number.POSITIVE_INFINITY)
    schedule.search(1_000)
    expect(schedule.phase).toBe('active')
    expect(run(schedule, 94_000)).toEqual([1_025, 1_275, 1_775, 2_775, 4_775, 8_775, 16_775, 32_775, 62_775, 92_775])
    expect(schedule.phase).toBe('passive')
  })

  it.each([
    [0, 0],
    [0.999, 49.95],
  ])('starts within 50 ms (chance %d)', (chance, at) => {
    const schedule = new Schedule(() => chance)
    schedule.search(0)
    expect(schedule.dueAt).toBeCloseTo(at)
  })

  it('starts anew at once, but never announces twice within 250 ms', () => {
    const schedule = new Schedule(() => 0)
    schedule.search(0)
    run(schedule, 50_000)
    schedule.search(60_000)
    expect(run(schedule, 61_000)).toEqual([60_000, 60_250, 60_750])
    for (let now = 61_000; now < 61_100; now += 10) schedule.search(now)
    expect(run(schedule, 62_000)).toEqual([61_090, 61_340, 61_840])
    schedule.search(61_841)
    expect(run(schedule, 62_300)).toEqual([62_090])
  })

  it('does not make up for announcements missed while the machine slept', () => {
    const schedule = new Schedule(() => 0)
    schedule.search(0)
    schedule.announced(3_600_000, 0)
    expect(run(schedule, 3_601_100)).toEqual([3_600_250, 3_600_500, 3_600_750, 3_601_000])
  })

  it.each([
    [0, 0, 27_000],
    [0, 0.5, 30_000],
    [0, 1, 33_000],
    [1, 0.5, 60_000],
    [599, 0.5, 60_000],
    [600, 0.5, 60_000],
    [5_000, 0.5, 500_000],
    [5_000, 0, 450_000],
  ])('passive with %d connected, chance %d: every %d ms', (connected, chance, interval) => {
    expect(passiveInterval(connected, chance)).toBeCloseTo(interval)
  })
})
