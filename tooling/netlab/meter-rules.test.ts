import { describe, expect, it } from 'vitest'
import { answeredShare, meterRules, readMeter } from './meter-rules.js'

describe('meter', () => {
  it('counts from zero what comes, and what goes back there or is a handshake to anybody else', () => {
    const rules = meterRules('port1', 'port4').split('\n')
    expect(rules.indexOf('delete table bridge gauge')).toBeLessThan(rules.indexOf('add counter bridge gauge came'))
    const counting = rules.filter((rule) => rule.includes('counter name'))
    expect(counting.map((rule) => rule.replace('add rule bridge gauge forward ', ''))).toEqual([
      'iifname "port4" oifname "port1" ip protocol udp counter name came',
      'iifname "port1" oifname "port4" ip daddr != 224.0.0.0/4 ip protocol udp counter name went',
      'iifname "port1" oifname != "port4" ip protocol udp @th,64,16 0x0313 counter name went',
    ])
  })

  it('reads what nft prints', () => {
    const nftables = [
      { metainfo: {} },
      { counter: { name: 'came', packets: 4, bytes: 400 } },
      { counter: { name: 'went', packets: 1, bytes: 100 } },
    ]
    const meter = readMeter(JSON.stringify({ nftables }))
    expect(meter).toEqual({ in: { packets: 4, bytes: 400 }, out: { packets: 1, bytes: 100 } })
    expect(answeredShare(meter)).toBe(0.25)
    expect(answeredShare(readMeter('{"nftables":[]}'))).toBe(0)
  })
})
