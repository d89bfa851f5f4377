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
