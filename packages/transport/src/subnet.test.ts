import { BlockList, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inSubnet, isBroadcast, isLinkLocal } from './subnet.js'

describe('inSubnet', () => {
  it.each([
    ['192.168.1.77', '192.168.1.5', '255.255.255.0', true],
    ['192.168.2.77', '192.168.1.5', '255.255.255.0', false],
    ['192.168.2.77', '192.168.1.5', '255.255.252.0', true],
    ['127.255.0.9', '127.0.0.1', '255.0.0.0', true],
    ['10.0.0.1', '10.0.0.1', '255.255.255.255', true],
    ['10.0.0.2', '10.0.0.1', '255.255.255.255', false],
    ['203.0.113.1', '75.0.113.1', '255.255.255.0', false],
    ['::1', '127.0.0.1', '255.0.0.0', false],
    ['fe80::1', 'fe80::2', 'ffff:ffff:ffff:ffff::', false],
    ['192.168.1', '192.168.1.5', '255.255.255.0', false],
    ['192.168.1.256', '192.168.1.5', '255.255.255.0', false],
    ['192.168.1.77.0', '192.168.1.5', '255.255.255.0', false],
    ['192.168.1.1e1', '192.168.1.5', '255.255.255.0', false],
    ['192.168.1.+7', '192.168.1.5', '255.255.255.0', false],
    ['192.168.1.0077', '192.168.1.5', '255.255.255.0', false],
    ['192.168.1.255', '192.168.1.5', '255.255.255.0', true],
    ['192.168.1.77', '192.168.1', '255.255.255.0', false],
    ['192.168.1.77', '192.168.1.5', '255.255.255', false],
    ['192.168.1.', '192.168.1.5', '255.255.255.0', false],
  ])('%s in that of %s/%s: %s', (host, address, netmask, expected) => {
    expect(inSubnet(host, { address, netmask })).toBe(expected)
  })
})

const WIDE = 'ffff:ffff:ffff:ffff::'
const eth0 = { name: 'eth0', address: 'fd00::5', netmask: WIDE }
const link = { name: 'eth0', address: 'fe80::5', netmask: WIDE }

describe('inSubnet, IPv6', () => {
  it.each([
    ['fd00::9', eth0, true],
    ['FD00:0:0:0:0:0:0:9', eth0, true],
    ['fd00:0:0:1::9', eth0, false],
    ['fd00::9%eth0', eth0, true],
    ['fd00::9%eth1', eth0, false],
    ['fe80::9%eth0', link, true],
    ['fe80::9%eth1', link, false],
    ['fe80::9', link, false],
    ['febf::9%eth0', { ...link, netmask: 'ffc0::' }, true],
    ['fec0::9', { ...link, netmask: '::' }, true],
    ['fe80::9%7', { ...link, scope: '7' }, true],
    ['fe80::9%eth0', { ...link, scope: '7' }, false],
    ['fe80::9%eth0', { address: 'fe80::5', netmask: WIDE }, false],
    ['2001:db8:aaaa::1', { name: 'eth0', address: '2001:db8:a000::1', netmask: 'ffff:ffff:f000::' }, true],
    ['2001:db8:baaa::1', { name: 'eth0', address: '2001:db8:a000::1', netmask: 'ffff:ffff:f000::' }, false],
    ['fd00::5', { name: 'eth0', address: 'fd00::5', netmask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' }, true],
    ['fd00::6', { name: 'eth0', address: 'fd00::5', netmask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' }, false],
    ['10.0.0.1', { name: 'eth0', address: 'fd00::5', netmask: '::' }, false],
    ['fd00::5', { name: 'eth0', address: '10.0.0.1', netmask: '0.0.0.0' }, false],
    ['::ffff:10.0.0.1', { name: 'eth0', address: 'fd00::5', netmask: '::' }, false],
    ['fd00:::5', { ...eth0, netmask: '::' }, false],
    ['fd00::5::', { ...eth0, netmask: '::' }, false],
    ['fd00::5:', { ...eth0, netmask: '::' }, false],
    ['fd00::12345', { ...eth0, netmask: '::' }, false],
    ['fd00::g', { ...eth0, netmask: '::' }, false],
    ['1:2:3:4:5:6:7:8:9', { ...eth0, netmask: '::' }, false],
    ['1:2:3:4:5:6:7::8', { ...eth0, netmask: '::' }, false],
    ['1:2:3:4:5:6:7', { ...eth0, netmask: '::' }, false],
    ['1:2:3:4:5:6:7::', { ...eth0, netmask: '::' }, true],
    ['', { ...eth0, netmask: '::' }, false],
    ['%eth0', { ...eth0, netmask: '::' }, false],
  ])('%s in that of %j: %s', (host, networkInterface, expected) => {
    expect(inSubnet(host, networkInterface)).toBe(expected)
  })

  it.each([
    ['fe80::1', true],
    ['FEBF::1%eth0', true],
    ['fec0::1', false],
    ['fd00::1', false],
    ['10.0.0.1', false],
    ['fe80', false],
  ])('%s is link-local: %s', (host, expected) => {
    expect(isLinkLocal(host)).toBe(expected)
  })

  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 })
  const spelled = (parts: readonly number[], upper: boolean): string => {
    const text = parts.map((part) => part.toString(16)).join(':')
    return upper ? text.toUpperCase() : text
  }

  it('is what Node finds, for any addresses in any spelling and any prefix', () => {
    fc.assert(
      fc.property(
        groups,
        groups,
        fc.integer({ min: 0, max: 128 }),
        fc.nat(128),
        fc.boolean(),
        (own, noise, prefix, shared, upper) => {
          // Half of random addresses differ in the first bit: share some of them.
          const host = own.map((group, at) => {
            const kept = Math.min(16, Math.max(0, shared - at * 16))
            const mask = (0xffff << (16 - kept)) & 0xffff
            return (group & mask) | ((noise[at] ?? 0) & ~mask & 0xffff)
          })
          fc.pre(!isLinkLocal(spelled(host, false)))
          const netmask = Array.from({ length: 8 }, (_, at) => {
            const kept = Math.min(16, Math.max(0, prefix - at * 16))
            return (0xffff << (16 - kept)) & 0xffff
          })
          const list = new BlockList()
          list.addSubnet(spelled(own, false), prefix, 'ipv6')
          const canonical = new URL(`http://[${spelled(host, false)}]`).hostname.slice(1, -1)
          const expected = list.check(canonical, 'ipv6')
          const one = { address: spelled(own, upper), netmask: spelled(netmask, !upper) }
          expect(inSubnet(canonical, one)).toBe(expected)
          expect(inSubnet(spelled(host, upper), one)).toBe(expected)
        },
      ),
    )
  })

  it('takes no text for an address that Node does not', () => {
    const odd = fc.stringMatching(/^[0-9a-fA-F:.%]{0,40}$/)
    fc.assert(
      fc.property(odd, (text) => {
        const everything = { address: '::1', netmask: '::', name: text.split('%')[1] ?? '' }
        if (inSubnet(text, everything)) expect(isIPv6(text.split('%')[0] ?? '')).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('isBroadcast', () => {
  it.each([
    ['192.168.1.255', '192.168.1.5', '255.255.255.0', true],
    ['192.168.1.127', '192.168.1.5', '255.255.255.128', true],
    ['192.168.1.127', '192.168.1.5', '255.255.255.0', false],
    ['192.168.3.255', '192.168.1.5', '255.255.252.0', true],
    ['192.168.2.255', '192.168.1.5', '255.255.255.0', false],
    ['127.255.255.255', '127.0.0.1', '255.0.0.0', true],
    ['255.255.255.255', '10.0.0.1', '255.0.0.0', true],
    ['10.0.0.1', '10.0.0.0', '255.255.255.254', false],
    ['10.0.0.0', '10.0.0.0', '255.255.255.255', false],
    ['10.0.0.3', '10.0.0.1', '255.255.255.252', true],
    ['ff02::1', 'fd00::1', 'ffff::', false],
    ['10.0.0.255', 'fd00::1', 'ffff::', false],
  ])('%s at %s/%s: %s', (host, address, netmask, expected) => {
    expect(isBroadcast(host, { address, netmask })).toBe(expected)
  })
})
