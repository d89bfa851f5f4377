import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAddress, parseAddress, requireAddress, sameAddress } from './address.js'

const port = fc.integer({ min: 0, max: 65_535 })

describe('addresses as text', () => {
  it('put IPv6 in brackets', () => {
    expect(formatAddress({ host: '192.168.1.7', port: 3485 })).toBe('192.168.1.7:3485')
    expect(formatAddress({ host: 'fe80::1%eth0', port: 3485 })).toBe('[fe80::1%eth0]:3485')
  })

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (host, number) => {
        expect(parseAddress(formatAddress({ host, port: number }))).toEqual({ host, port: number })
      }),
    )
    expect(parseAddress('[fe80::1%eth0]:1')).toEqual({ host: 'fe80::1%eth0', port: 1 })
  })

  it.each([
    '',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:x',
    '127.0.0.1:65536',
    'localhost:1',
    '::1:3485',
    '[127.0.0.1]:1',
    '[::1]',
    'x[::1]:1',
    '1:1.2.3.4:5',
    '[::1]:1x',
    ' 1.2.3.4:5',
    '1.2.3.4:5\n',
  ])('are refused when they are not an IP literal and a port: %j', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }))
  })

  it('never make the reader throw anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          requireAddress(parseAddress(text), true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ADDRESS_INVALID' })
        }
      }),
    )
  })
})

describe('requireAddress', () => {
  it('lets only IP literals with a port through', () => {
    expect(() => requireAddress({ host: '::1', port: 1 })).not.toThrow()
    expect(() => requireAddress({ host: '::1', port: 0 }, true)).not.toThrow()
    for (const address of [
      { host: '::1', port: 0 },
      { host: '::1', port: 1.5 },
      { host: '::1', port: 65_536 },
      { host: 'peer.example', port: 1 },
    ]) {
      expect(() => requireAddress(address)).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID', address }))
    }
  })
})

it('sameAddress compares host and port', () => {
  expect(sameAddress({ host: '::1', port: 1 }, { host: '::1', port: 1 })).toBe(true)
  expect(sameAddress({ host: '::1', port: 1 }, { host: '::1', port: 2 })).toBe(false)
  expect(sameAddress({ host: '::1', port: 1 }, { host: '::2', port: 1 })).toBe(false)
})
