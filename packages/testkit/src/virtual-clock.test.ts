import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.js'

describe('VirtualClock', () => {
  it('fires timers in order of due time, then of insertion', async () => {
    const clock = new VirtualClock()
    const fired: string[] = []
    clock.setTimeout(() => fired.push('b1'), 20)
    clock.setTimeout(() => fired.push('a'), 10)
    clock.setTimeout(() => fired.push('b2'), 20)
    clock.setTimeout(() => fired.push('late'), 21)
    await clock.advance(20)
    expect(fired).toEqual(['a', 'b1', 'b2'])
    expect(clock.now()).toBe(20)
    expect(clock.pending).toBe(1)
  })

  it('fires any set of timers in sorted order, without those cancelled', async () => {
    const timers = fc.array(fc.record({ delay: fc.nat(50), cancelled: fc.boolean() }), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(timers, async (wanted) => {
        const clock = new VirtualClock()
        const fired: number[] = []
        const handles = wanted.map(({ delay }, index) => clock.setTimeout(() => fired.push(index), delay))
        wanted.forEach(({ cancelled }, index) => {
          if (cancelled) clock.clearTimeout(handles[index])
        })
        const expected = wanted
          .map(({ delay, cancelled }, index) => ({ delay, cancelled, index }))
          .filter((timer) => !timer.cancelled)
          .sort((a, b) => a.delay - b.delay || a.index - b.index)
        expect(clock.pending).toBe(expected.length)
        await clock.advance(50)
        expect(fired).toEqual(expected.map((timer) => timer.index))
        expect(clock.pending).toBe(0)
      }),
    )
  })

  it('shows each callback the moment it was due at', async () => {
    const clock = new VirtualClock({ unixStart: 1_000 })
    const seen: number[] = []
    clock.setTimeout(() => {
      seen.push(clock.now(), clock.unixNow())
      clock.setTimeout(() => seen.push(clock.now()), 5)
    }, 10)
    await clock.advance(100)
    expect(seen).toEqual([10, 1_010, 15])
  })

  it('lets promise chains, ticks, immediates and streams settle between two timers', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    const stream = new PassThrough()
    stream.on('data', (chunk: Buffer) => seen.push(chunk.toString()))
    const work = async (): Promise<void> => {
      for (let turn = 0; turn < 50; turn++) await null
      seen.push('promises')
      process.nextTick(() => seen.push('tick'))
      setImmediate(() => setImmediate(() => setImmediate(() => seen.push('third immediate'))))
      stream.write('stream')
    }
    clock.setTimeout(() => void work(), 10)
    clock.setTimeout(() => seen.push('next timer'), 10)
    await clock.advance(10)
    expect(seen.at(-1)).toBe('next timer')
    expect([...seen].sort()).toEqual(['next timer', 'promises', 'stream', 'third immediate', 'tick'])
  })

  it('settles before the first timer and with advance(0)', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    setImmediate(() => seen.push('immediate'))
    clock.setTimeout(() => seen.push('timer'), 0)
    await clock.advance(0)
    expect(seen).toEqual(['immediate', 'timer'])
  })

  it('runs a loop of awaited waits to its end', async () => {
    const clock = new VirtualClock()
    const ticks: number[] = []
    const loop = (async () => {
      for (let tick = 0; tick < 3; tick++) {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 100))
        ticks.push(clock.now())
      }
    })()
    await clock.advance(1_000)
    await loop
    expect(ticks).toEqual([100, 200, 300])
  })

  it('runUntil stops at the moment the condition holds', async () => {
    const clock = new VirtualClock()
    let done = false
    clock.setTimeout(() => setImmediate(() => (done = true)), 1_234)
    clock.setTimeout(() => {}, 2_000)
    await clock.runUntil(() => done)
    expect(clock.now()).toBe(1_234)
    expect(clock.pending).toBe(1)
  })

  it('runUntil names its limit when the condition never holds', async () => {
    const clock = new VirtualClock()
    const again = (): void => void clock.setTimeout(again, 400)
    again()
    await expect(clock.runUntil(() => false, { limitMs: 1_000 })).rejects.toMatchObject({
      code: 'CONDITION_NOT_REACHED',
      message: expect.stringContaining('limit of 1000 ms'),
    })
    expect(clock.now()).toBe(800)
  })

  it('runUntil gives up at once when no timer is left', async () => {
    await expect(new VirtualClock().runUntil(() => false)).rejects.toMatchObject({
      code: 'CONDITION_NOT_REACHED',
      message: expect.stringContaining('no timer is left'),
    })
  })

  it('refuses to be moved twice at a time, and can be moved again after a failure', async () => {
    const clock = new VirtualClock()
    clock.setTimeout(() => {
      throw new Error('thrown by the callback')
    }, 5)
    const first = clock.advance(10)
    await expect(clock.advance(1)).rejects.toMatchObject({ code: 'CLOCK_BUSY' })
    await expect(first).rejects.toThrow('thrown by the callback')
    expect(clock.now()).toBe(5)
    await clock.advance(1)
    expect(clock.now()).toBe(6)
  })

  it('refuses delays that are not finite, and counts negative ones as 0', async () => {
    const clock = new VirtualClock()
    for (const delay of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => clock.setTimeout(() => {}, delay)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
      await expect(clock.advance(delay)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    }
    let fired = false
    clock.setTimeout(() => (fired = true), -5)
    await clock.advance(0)
    expect(fired).toBe(true)
  })

  it('keeps its order when most of many timers are cancelled', async () => {
    const clock = new VirtualClock()
    const fired: number[] = []
    const timers = Array.from({ length: 2_000 }, (_, index) => {
      const delay = (index * 7_919) % 2_000
      return { delay, handle: clock.setTimeout(() => fired.push(delay), delay) }
    })
    for (const { delay, handle } of timers) if (delay % 10 !== 0) clock.clearTimeout(handle)
    expect(clock.pending).toBe(200)
    await clock.advance(2_000)
    expect(fired).toEqual(Array.from({ length: 200 }, (_, index) => index * 10))
  })

  it('ignores clearing timers that are fired, cancelled or unset', async () => {
    const clock = new VirtualClock()
    const timer = clock.setTimeout(() => {}, 1)
    await clock.advance(1)
    clock.clearTimeout(timer)
    clock.clearTimeout(timer)
    clock.clearTimeout(undefined)
    expect(clock.pending).toBe(0)
  })
})
