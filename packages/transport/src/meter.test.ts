import { VirtualClock } from '@pc/testkit'
import { expect, test } from 'vitest'
import { Meter } from './meter.js'

test('the rate is that of the last 5 s, and falls to 0 when nothing comes any more', async () => {
  const clock = new VirtualClock()
  const meter = new Meter(clock)
  for (let count = 0; count < 100; count += 1) {
    meter.record(1_000)
    await clock.advance(100)
  }
  expect(meter.bytes).toBe(100_000)
  expect(meter.bytesPerSecond).toBeCloseTo(10_000, -3)
  expect(meter.lastActivityAt).toBe(9_900)
  await clock.advance(2_500)
  expect(meter.bytesPerSecond).toBeGreaterThan(4_000)
  expect(meter.bytesPerSecond).toBeLessThan(6_000)
  await clock.advance(2_500)
  expect(meter.bytesPerSecond).toBe(0)
  meter.record(4_500)
  expect(meter.bytesPerSecond).toBeCloseTo(1_000, -2)
})

test('one burst at the start is no record', async () => {
  const clock = new VirtualClock()
  const meter = new Meter(clock)
  await clock.advance(1)
  meter.record(1_000)
  expect(meter.bytesPerSecond).toBe(2_000)
})

test('the valve tells each change once', () => {
  const changes: boolean[] = []
  const meter: Meter = new Meter({ now: () => 0 }, () => changes.push(meter.paused))
  meter.resume()
  meter.pause()
  meter.pause()
  meter.resume()
  expect(changes).toEqual([true, false])
})

test('the rate of a connection that began late counts from its own beginning', () => {
  let now = 1_000_250
  const meter = new Meter({ now: () => now })
  expect([meter.lastActivityAt, meter.bytesPerSecond]).toEqual([1_000_250, 0])
  now += 1_000
  meter.record(3_000)
  now += 1_000
  expect(meter.bytesPerSecond).toBe(1_500)
  expect(meter.lastActivityAt).toBe(1_001_250)
})

test('bytes older than 5 s do not count, however long nobody asked', () => {
  for (const silence of [5_000, 5_500, 7_300, 60_000]) {
    let now = 0
    const meter = new Meter({ now: () => now })
    for (; now < 5_000; now += 500) meter.record(100)
    now += silence
    expect(meter.bytesPerSecond).toBe(0)
    meter.record(4_500)
    expect(meter.bytesPerSecond).toBeGreaterThan(0)
    expect(meter.bytesPerSecond).toBeLessThanOrEqual(1_000)
  }
})

test('several records in one half second add up', () => {
  const meter = new Meter({ now: () => 0 })
  for (const bytes of [100, 200, 300]) meter.record(bytes)
  expect([meter.bytes, meter.bytesPerSecond]).toEqual([600, 1_200])
})
