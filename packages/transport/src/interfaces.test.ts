import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { parseInterfaceRules, scopedHost, usableInterfaces } from './interfaces.js'

function ipv4(address: string, netmask = '255.255.255.0', internal = false): NetworkInterfaceInfo {
  return { family: 'IPv4', address, netmask, internal, mac: '00:00:00:00:00:00', cidr: null }
}

function ipv6(address: string, internal = false, scopeid = 0): NetworkInterfaceInfo {
  return {
    family: 'IPv6',
    address,
    netmask: 'ffff:ffff:ffff:ffff::',
    internal,
    mac: '00:00:00:00:00:00',
    cidr: null,
    scopeid,
  }
}

const LOOPBACK = { lo: [ipv4('127.0.0.1', '255.0.0.0', true), ipv6('::1', true)] }
const OFFICE = {
  ...LOOPBACK,
  eth0: [ipv4('192.168.1.7'), ipv6('fe80::7')],
  wlan0: [ipv4('10.1.1.9')],
  docker0: [ipv4('172.17.0.1')],
  'br-12ab': [ipv4('172.18.0.1')],
  tailscale0: [ipv4('100.64.0.1', '255.255.255.255')],
  ppp0: [ipv4('10.9.9.9', '255.255.255.255')],
}

const addresses = (all: Parameters<typeof usableInterfaces>[0], rules: string): string[] =>
  usableInterfaces(all, parseInterfaceRules(rules)).map(({ address }) => address)

describe('usable interfaces', () => {
  it('are the real ones', () => {
    expect(addresses(OFFICE, '')).toEqual(['192.168.1.7', 'fe80::7', '10.1.1.9'])
  })

  it.each(['docker0', 'br-1', 'veth12', 'virbr0', 'cni0', 'flannel.1', 'tailscale0', 'wg0', 'utun3', 'zt7'])(
    'are not made by software: %s',
    (name) => {
      expect(addresses({ ...OFFICE, [name]: [ipv4('10.5.5.5')] }, '')).not.toContain('10.5.5.5')
      expect(addresses({ [name]: [ipv4('10.5.5.5')] }, name)).toEqual(['10.5.5.5'])
    },
  )

  it('are loopback when there is nothing else, and IPv4 only', () => {
    expect(addresses(LOOPBACK, '')).toEqual(['127.0.0.1'])
    expect(addresses({ ...LOOPBACK, docker0: [ipv4('172.17.0.1')] }, '')).toEqual(['127.0.0.1'])
    expect(addresses({ ...OFFICE }, '!eth*,!wlan0')).toEqual(['127.0.0.1'])
  })

  it('are loopback when asked for by name, and then nothing else', () => {
    expect(addresses(OFFICE, 'lo')).toEqual(['127.0.0.1'])
    expect(addresses(OFFICE, 'lo,wlan0')).toEqual(['127.0.0.1', '10.1.1.9'])
  })

  it('follow names and prefixes, and deny wins', () => {
    expect(addresses(OFFICE, 'eth*,ppp0')).toEqual(['192.168.1.7', 'fe80::7', '10.9.9.9'])
    expect(addresses(OFFICE, 'eth*,wlan*,!wlan0')).toEqual(['192.168.1.7', 'fe80::7'])
    expect(addresses(OFFICE, '!eth0')).toEqual(['10.1.1.9'])
    expect(addresses(OFFICE, 'eth')).toEqual([])
    expect(addresses(LOOPBACK, '!lo')).toEqual([])
    expect(addresses({}, '')).toEqual([])
  })

  it('come with all that is known about them', () => {
    expect(usableInterfaces({ eth0: [ipv6('fe80::7')], eth1: undefined }, {})).toEqual([
      { name: 'eth0', address: 'fe80::7', family: 6, netmask: 'ffff:ffff:ffff:ffff::', internal: false },
    ])
  })
})

describe('the host of an interface', () => {
  it.each([
    ['linux', 'fe80::7', 7, 'fe80::7%Wi-Fi'],
    ['win32', 'fe80::7', 7, 'fe80::7%7'],
    ['linux', 'fd00::7', 0, 'fd00::7'],
    ['win32', 'fd00::7', 0, 'fd00::7'],
  ])('on %s, %s with index %i, is %s', (platform, address, scopeid, expected) => {
    expect(usableInterfaces({ 'Wi-Fi': [ipv6(address, false, scopeid)] }, {}, platform).map(scopedHost)).toEqual([
      expected,
    ])
  })

  it('is the address alone for IPv4', () => {
    expect(usableInterfaces({ eth0: [ipv4('10.0.0.1')] }, {}, 'win32').map(scopedHost)).toEqual(['10.0.0.1'])
  })
})

describe('interface rules as text', () => {
  it('are names and prefixes, with ! before those to leave out', () => {
    expect(parseInterfaceRules(' lo, eth*,!docker* ,')).toEqual({ allow: ['lo', 'eth*'], deny: ['docker*'] })
    expect(parseInterfaceRules('')).toEqual({ allow: [], deny: [] })
    expect(parseInterfaceRules('*')).toEqual({ allow: ['*'], deny: [] })
    expect(parseInterfaceRules('Wi-Fi 2')).toEqual({ allow: ['Wi-Fi 2'], deny: [] })
  })

  it.each(['*eth', 'e*h', '!', '!!eth0', 'eth**'])('are refused when they are something else: %j', (text) => {
    expect(() => parseInterfaceRules(text)).toThrow(expect.objectContaining({ code: 'INTERFACE_RULE_INVALID' }))
  })
})
