import { expect, test } from 'vitest'
import { endsOf, localAddressOf, plainHost, remoteAddressOf } from './tcp-address.js'

type Ends = Parameters<typeof endsOf>[0]

const ends = (over: Partial<Ends>): Ends => over as Ends

test.each([
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '::ffff:c000:207'],
  ['64:ff9b::192.0.2.7', '64:ff9b::192.0.2.7'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
])('%s is shown as %s', (host, shown) => {
  expect(plainHost(host)).toBe(shown)
  expect(remoteAddressOf(ends({ remoteAddress: host, remotePort: 7 }))).toEqual({ host: shown, port: 7 })
  expect(localAddressOf(ends({ localAddress: host, localPort: 8 }))).toEqual({ host: shown, port: 8 })
})

test('a connection that has gone is nowhere', () => {
  expect(remoteAddressOf(ends({}))).toBeUndefined()
  expect(remoteAddressOf(ends({ remoteAddress: '::1' }))).toBeUndefined()
  expect(localAddressOf(ends({}))).toEqual({ host: '', port: 0 })
})

test('connections differ by either end', () => {
  const one = { remoteAddress: '192.0.2.7', remotePort: 1, localAddress: '192.0.2.1' }
  const others = [{ remoteAddress: '192.0.2.8' }, { remotePort: 2 }, { localAddress: '192.0.2.2' }]
  for (const other of others) expect(endsOf(ends({ ...one, ...other }))).not.toBe(endsOf(ends(one)))
})
