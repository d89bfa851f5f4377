import { describe, expect, it } from 'vitest'
import { HostFamilies } from './host-families.js'

describe('HostFamilies', () => {
  it('tells the same the first time and later', () => {
    const families = new HostFamilies()
    for (const round of [1, 2]) {
      for (const [host, expected] of [
        ['10.0.0.1', 4],
        ['fe80::1%eth0', 6],
        ['::1', 6],
        ['localhost', 0],
        ['', 0],
        ['10.0.0', 0],
      ] as const) {
        expect(families.familyOf(host), `${host}, round ${round}`).toBe(expected)
      }
    }
  })

  it('stays right when it has seen more hosts than it remembers', () => {
    const families = new HostFamilies()
    for (let number = 0; number < 3_000; number += 1) {
      expect(families.familyOf(`10.0.${number >> 8}.${number & 255}`)).toBe(4)
      expect(families.familyOf(`host-${number}`)).toBe(0)
    }
    expect(families.remembered).toBeLessThanOrEqual(1_024)
  })
})
