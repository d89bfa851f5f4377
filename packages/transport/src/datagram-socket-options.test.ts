import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { datagramSocketOptions, interfaceArgument } from './datagram-socket-options.js'
import type { BindOptions } from './network-protocol.js'

const common = { mac: '00:00:00:00:00:00', cidr: null, internal: false, netmask: '' }
const v4 = (address: string): NetworkInterfaceInfo => ({ ...common, family: 'IPv4', address })
const v6 = (address: string, scopeid = 0): NetworkInterfaceInfo => ({ ...common, family: 'IPv6', address, scopeid })
const loopback = (one: NetworkInterfaceInfo): NetworkInterfaceInfo => ({ ...one, internal: true })

const INTERFACES = {
  lo: [v4('127.0.0.1'), v6('::1')].map(loopback),
  eth0: [v4('192.168.1.7'), v6('fd00::7'), v6('fe80::7', 7)],
  'Wi-Fi 2': [v6('fe80::12', 12)],
  tun0: [v6('fd99::1')],
}
const plan = (platform: string, options: Partial<BindOptions>) =>
  datagramSocketOptions(platform, { host: '0.0.0.0', port: 0, ...options }, INTERFACES)

describe('what a datagram socket is told', () => {
  it.each([
    ['linux', '0.0.0.0', { type: 'udp4', ipv6Only: false, bindHost: '0.0.0.0' }],
    ['linux', '::', { type: 'udp6', ipv6Only: true, bindHost: '::' }],
    ['linux', 'fe80::7%eth0', { type: 'udp6', ipv6Only: true, bindHost: 'fe80::7%eth0' }],
    ['linux', 'fe80::7%7', { bindHost: 'fe80::7%eth0' }],
    ['darwin', 'fe80::7%eth0', { bindHost: 'fe80::7%eth0' }],
    ['win32', 'fe80::12%Wi-Fi 2', { bindHost: 'fe80::12%12' }],
    ['win32', 'fe80::12%12', { bindHost: 'fe80::12%12' }],
    ['win32', 'fd00::7', { bindHost: 'fd00::7' }],
  ])('on %s to bind %s', (platform, host, expected) => {
    expect(plan(platform, { host })).toMatchObject(expected)
  })

  it.each([
    [{}, { reuseAddr: false, exclusive: true, broadcast: false }],
    [{ shareAddress: true }, { reuseAddr: true, exclusive: false }],
    [{ broadcast: true }, { broadcast: true }],
    [{ broadcast: true, host: '::' }, { broadcast: false }],
  ])('of its options %j, on every system alike', (options, expected) => {
    for (const platform of ['linux', 'darwin', 'win32', 'freebsd']) {
      expect(plan(platform, options)).toMatchObject(expected)
    }
  })

  it.each([
    ['linux', undefined, [262_144]],
    ['win32', undefined, [262_144]],
    ['darwin', undefined, [262_144, 131_072, 65_536]],
    ['darwin', 1_048_576, [1_048_576, 524_288, 262_144, 131_072, 65_536]],
    ['freebsd', 200_000, [200_000, 100_000]],
    ['freebsd', 10_000, [10_000]],
    ['linux', 10_000, [10_000]],
  ])('on %s, asked for %j bytes to receive into', (platform, receiveBufferBytes, expected) => {
    const options = receiveBufferBytes === undefined ? {} : { receiveBufferBytes }
    expect(plan(platform, options).receiveBufferSizes).toEqual(expected)
  })

  it('to send into: only where the system keeps too little', () => {
    expect(['linux', 'darwin', 'win32'].map((platform) => plan(platform, {}).sendBufferSize)).toEqual([
      undefined,
      undefined,
      262_144,
    ])
  })

  it.each([
    ['linux', undefined, [undefined, undefined, undefined]],
    ['win32', undefined, [undefined, undefined, true]],
    ['linux', { interfaceAddress: '192.168.1.7' }, ['192.168.1.7', 1, true]],
    ['win32', { interfaceAddress: '192.168.1.7', ttl: 4, loopback: false }, ['192.168.1.7', 4, false]],
    ['darwin', { interfaceAddress: '192.168.1.7', ttl: 0, loopback: false }, ['192.168.1.7', 0, false]],
  ])('on %s about multicast %j', (platform, multicast, expected) => {
    const told = plan(platform, multicast === undefined ? {} : { multicast })
    expect([told.multicastInterface, told.multicastTtl, told.multicastLoopback]).toEqual(expected)
  })

  it('refuses what no interface of the machine is', () => {
    const code = 'ADDRESS_NOT_AVAILABLE'
    expect(() => plan('linux', { host: 'fe80::7%eth9' })).toThrow(expect.objectContaining({ code }))
    const multicast = { interfaceAddress: '::%eth9' }
    expect(() => plan('linux', { host: '::', multicast })).toThrow(expect.objectContaining({ code }))
  })
})

describe('how a socket names an interface', () => {
  it.each([
    ['linux', '0.0.0.0', '192.168.1.7', '192.168.1.7'],
    ['win32', '0.0.0.0', '192.168.1.7', '192.168.1.7'],
    // IPv4 addresses are checked by the system.
    ['linux', '192.168.1.7', '10.9.9.9', '10.9.9.9'],
    ['linux', '::', '::%eth0', '::%eth0'],
    ['darwin', '::', 'fe80::7%eth0', '::%eth0'],
    ['linux', '::', '::%7', '::%eth0'],
    ['linux', '::', 'fd00::7', '::%eth0'],
    ['linux', '::', '::1', '::%lo'],
    ['linux', '::', '::', '::'],
    ['linux', '::', '192.168.1.7', '::%eth0'],
    ['win32', '::', '::%eth0', '::%7'],
    ['win32', '::', '::%12', '::%12'],
    ['win32', '::', 'fd00::7', '::%7'],
    ['win32', '::', '::1', '::%1'],
    ['linux', '::', '::%eth9', undefined],
    ['linux', '::', 'fd00::9', undefined],
    ['win32', '::', '::%99', undefined],
    // Without a link-local address nothing tells the index.
    ['win32', '::', 'fd99::1', undefined],
  ])('on %s, bound to %s, that of %s', (platform, bound, interfaceAddress, expected) => {
    const name = (): string => interfaceArgument(platform, bound, interfaceAddress, INTERFACES)
    if (expected === undefined) expect(name).toThrow(expect.objectContaining({ code: 'ADDRESS_NOT_AVAILABLE' }))
    else expect(name()).toBe(expected)
  })
})
