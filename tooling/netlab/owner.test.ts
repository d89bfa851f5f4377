import { describe, expect, it } from 'vitest'
import { isAbandoned, OWN } from './owner.js'

const running = (pid: number): number | undefined => (pid === 7 ? 1_000 : undefined)

describe('isAbandoned', () => {
  it('is what a process made that is gone, or whose id belongs to a later one', () => {
    expect(isAbandoned('pcnl-8-1000-east', running)).toBe(true)
    expect(isAbandoned('pcnl-7-999-east', running)).toBe(true)
  })

  it('is nothing of a process that runs, and nothing of anybody else', () => {
    expect(isAbandoned('pcnl-7-1000-east', running)).toBe(false)
    expect(isAbandoned(`${OWN}-east`)).toBe(false)
    for (const name of ['pc8-east', 'other-pcnl-8-1000-east', 'pcnl-8-east', 'pcnl-8-1000', '']) {
      expect(isAbandoned(name, running)).toBe(false)
    }
  })
})
