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
})
