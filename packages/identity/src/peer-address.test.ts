import { expect, test } from 'vitest'
import { bytesOfHost, unicastHost } from './peer-address.js'

const canonical = (host: string) => unicastHost(bytesOfHost(host) ?? new Uint8Array())

// RFC 5952 §4, with the examples of §1 and §2.
test.each([
  ['2001:DB8::1', '2001:db8::1'],
  ['2001:0db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8::', '2001:db8::'],
  ['::1', '::1'],
  ['::2:3', '::2:3'],
  ['fe80::0001', 'fe80::1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['1:2:3:4:5:6:77.88.99.11', '1:2:3:4:5:6:4d58:630b'],
  ['192.168.1.20', '192.168.1.20'],
])('%s is written %s', (host, text) => expect(canonical(host)).toBe(text))

test.each(['localhost', 'fe80::1%eth0', '::1%lo', '1.2.3', '01.2.3.4', '[::1]', '::g', '1:2', '', ' 1.2.3.4'])(
  '%j is no address',
  (host) => expect(bytesOfHost(host)).toBeUndefined(),
)

test('bytes of another length are no address', () => {
  for (const length of [0, 3, 5, 15, 17]) expect(unicastHost(new Uint8Array(length).fill(1))).toBeUndefined()
})

test.each([
  ['0.0.0.0', undefined],
  ['0.1.2.3', undefined],
  ['1.0.0.0', '1.0.0.0'],
  ['127.0.0.1', '127.0.0.1'],
  ['223.255.255.255', '223.255.255.255'],
  ['224.0.0.1', undefined],
  ['255.255.255.255', undefined],
  ['::', undefined],
  ['::ffff:10.0.0.1', undefined],
  ['::ffff:0:1', undefined],
  ['::fffe:10.0.0.1', '::fffe:a00:1'],
  ['::ff:a00:1', '::ff:a00:1'],
  ['::ff00:a00:1', '::ff00:a00:1'],
  ['1::ffff:a00:1', '1::ffff:a00:1'],
  ['::1:ffff:a00:1', '::1:ffff:a00:1'],
  ['ff02::1', undefined],
  ['ff00::', undefined],
  ['fe80::1', 'fe80::1'],
  ['fd00::1', 'fd00::1'],
])('a peer may listen on %s: %s', (host, text) => expect(canonical(host)).toBe(text))
