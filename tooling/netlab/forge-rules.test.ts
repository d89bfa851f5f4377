import { describe, expect, it } from 'vitest'
import { forgeRules } from './forge-rules.js'

describe('forgeRules', () => {
  it('draws among the addresses for what leaves from that port, and replaces what was there', () => {
    const rules = forgeRules(3_485, ['10.32.0.1', '10.32.0.2', '10.32.0.2'])
    expect(rules).toContain(
      'out udp sport 3485 ip saddr set numgen random mod 3 map { 0 : 10.32.0.1, 1 : 10.32.0.2, 2 : 10.32.0.2 }\n',
    )
    expect(rules.indexOf('delete table')).toBeLessThan(rules.indexOf('add chain'))
  })

  it('refuses what nft would not take', () => {
    expect(() => forgeRules(1, [])).toThrow(/IPv4/)
    expect(() => forgeRules(1, ['10.32.0.1; flush'])).toThrow(/IPv4/)
    expect(() =>
      forgeRules(
        1,
        Array.from({ length: 1_001 }, () => '10.32.0.1'),
      ),
    ).toThrow(/1001/)
  })
})
