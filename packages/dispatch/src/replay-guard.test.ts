import { describe, expect, it } from 'vitest'
import { ReplayGuard } from './replay-guard.js'

describe('ReplayGuard', () => {
  it('accepts rising stamps of a boot and nothing at or below the highest', () => {
    const guard = new ReplayGuard()
    expect([5, 6, 6, 5, 9, 7, 10].map((sentAt) => guard.accept('a', sentAt))).toEqual([
      true,
      true,
      false,
      false,
      true,
      false,
      true,
    ])
  })

  it('compares no boot with another', () => {
    const guard = new ReplayGuard()
    guard.accept('a', 1_000_000)
    expect(guard.accept('b', 1)).toBe(true)
  })

  it('stays bounded and remembers boots that keep sending', () => {
    const guard = new ReplayGuard(8)
    let sentAt = 0
    for (let other = 0; other < 100; other++) {
      guard.accept(`other ${other}`, 1)
      if (other % 3 === 0) expect(guard.accept('regular', ++sentAt)).toBe(true)
      if (other > 0) expect(guard.accept('regular', sentAt)).toBe(false)
      expect(guard.size).toBeLessThanOrEqual(8)
    }
  })

  it('stays bounded when every datagram is of another boot, and counts each boot once', () => {
    const guard = new ReplayGuard(8)
    const sizes = Array.from({ length: 10 }, (_, boot) => {
      guard.accept(`boot ${boot}`, 1)
      return guard.size
    })
    expect(sizes).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 5, 6])
    // From the older generation into the younger one.
    expect(guard.accept('boot 4', 2)).toBe(true)
    expect(guard.size).toBe(6)
  })

  it('forgets nobody for a boot that sends a lot', () => {
    const guard = new ReplayGuard(8)
    for (const boot of ['a', 'b', 'c', 'd']) guard.accept(boot, 5)
    for (let sentAt = 6; sentAt < 100; sentAt++) guard.accept('a', sentAt)
    expect(['b', 'c', 'd'].map((boot) => guard.accept(boot, 5))).toEqual([false, false, false])
    expect(guard.size).toBe(4)
  })

  it('keeps two boots at least', () => {
    const guard = new ReplayGuard(0)
    guard.accept('a', 1)
    guard.accept('b', 1)
    expect([guard.size, guard.accept('a', 1), guard.accept('b', 1)]).toEqual([2, false, false])
  })
})
