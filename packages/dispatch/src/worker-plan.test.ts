import { describe, expect, it } from 'vitest'
import { WorkerPlan } from './worker-plan.js'

describe('WorkerPlan', () => {
  it('gives each place once, the one used last first', () => {
    const plan = new WorkerPlan(3)
    expect([plan.take(0), plan.take(0), plan.take(0), plan.take(0)]).toEqual([0, 1, 2, undefined])
    expect(plan.readyAt()).toBeUndefined()
    plan.release(2, 0, false)
    plan.release(0, 0, false)
    expect([plan.take(0), plan.take(0)]).toEqual([0, 2])
  })

  it('pauses a place after a death, twice as long each time, at most 10 s, and not after a task that ended well', () => {
    const plan = new WorkerPlan(1)
    let now = 1_000
    for (const pause of [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]) {
      expect(plan.take(now)).toBe(0)
      plan.release(0, now, true)
      expect(plan.readyAt()).toBe(now + pause)
      expect(plan.take(now + pause - 1)).toBeUndefined()
      now += pause
    }
    expect(plan.take(now)).toBe(0)
    plan.release(0, now, false)
    expect(plan.take(now)).toBe(0)
    plan.release(0, now, true)
    expect(plan.readyAt()).toBe(now + 100)
  })

  it('gives another place while one pauses, and tells when the first of several is ready', () => {
    const plan = new WorkerPlan(2)
    expect([plan.take(0), plan.take(0)]).toEqual([0, 1])
    plan.release(0, 0, true)
    plan.release(1, 50, true)
    expect(plan.readyAt()).toBe(100)
    expect(plan.take(99)).toBeUndefined()
    expect(plan.take(100)).toBe(0)
    expect(plan.readyAt()).toBe(150)
    expect(plan.take(150)).toBe(1)
  })
})
