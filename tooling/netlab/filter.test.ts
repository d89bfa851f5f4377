import { describe, expect, it } from 'vitest'
import { CLEAR, ruleset } from './filter.js'

function dropRules(weather: Partial<typeof CLEAR>): string[] {
  return ruleset({ ...CLEAR, ...weather })
    .split('\n')
    .filter((line) => line.endsWith(' drop'))
    .map((line) => line.replace('add rule bridge weather forward ', ''))
}

describe('ruleset', () => {
  it('drops nothing in clear weather, and replaces what was there', () => {
    expect(dropRules({})).toEqual([])
    expect(ruleset(CLEAR)).toContain('flush chain bridge weather forward\n')
  })

  it('cuts exactly the ways that were asked for', () => {
    expect(dropRules({ cuts: [['port1', 'port2']] })).toEqual(['iifname "port1" oifname "port2" counter name cut drop'])
  })

  it('loses unicast and multicast apart, each with its own chance', () => {
    const [unicast = '', multicast = '', ...more] = dropRules({ loss: 0.1, multicastLoss: 0.25 })
    expect(unicast).toContain('== 00:00:00:00:00:00 meta protocol { ip, ip6 } numgen random mod 10000 < 1000 ')
    expect(multicast).toContain('== 01:00:00:00:00:00 meta protocol { ip, ip6 } numgen random mod 10000 < 2500 ')
    expect(more).toEqual([])
  })

  it('blocks multicast without IPv6 neighbour discovery, and broadcast only if asked', () => {
    const multicast = dropRules({ multicastBlocked: true })
    expect(multicast).toHaveLength(2)
    expect(multicast[1]).toContain('meta l4proto != icmpv6')
    expect(dropRules({ broadcastBlocked: true })).toEqual([
      'ether daddr ff:ff:ff:ff:ff:ff meta protocol ip counter name blocked drop',
    ])
  })
})
