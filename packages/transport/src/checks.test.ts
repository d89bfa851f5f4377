import { createIdentity } from '@pc/identity'
import { MAX_DATAGRAM } from '@pc/wire'
import { expect, test } from 'vitest'
import { refuseLongDatagram, refuseWrongPeer, requireGroup } from './checks.js'

const [own, anna, ben] = [1, 2, 3].map((fill) => createIdentity(new Uint8Array(32).fill(fill)).id) as [
  ReturnType<typeof createIdentity>['id'],
  ReturnType<typeof createIdentity>['id'],
  ReturnType<typeof createIdentity>['id'],
]
const address = { host: '10.0.0.2', port: 3485 }

test.each([
  ['the expected peer', anna, anna, undefined],
  ['anybody when nobody is expected', ben, undefined, undefined],
  ['another peer than expected', ben, anna, 'WRONG_PEER'],
  ['ourselves', own, undefined, 'SELF_DIALLED'],
  ['ourselves where somebody else was expected', own, anna, 'SELF_DIALLED'],
])('the key of %s', (_name, proved, expected, code) => {
  const check = (): void => refuseWrongPeer(own, proved, address, expected)
  if (code === undefined) expect(check).not.toThrow()
  else expect(check).toThrow(expect.objectContaining({ code, address }))
})

test('a datagram has its length limit', () => {
  expect(() => refuseLongDatagram(new Uint8Array(MAX_DATAGRAM), address)).not.toThrow()
  expect(() => refuseLongDatagram(new Uint8Array(MAX_DATAGRAM + 1), address)).toThrow(
    expect.objectContaining({ code: 'DATAGRAM_TOO_LARGE', address }),
  )
})

test.each([
  ['239.1.11.11', '0.0.0.0', undefined],
  ['224.0.0.1', '239.1.11.11', undefined],
  ['ff12::7063', '::', undefined],
  ['239.1.11.11', '10.0.0.1', 'GROUP_NOT_HEARD'],
  ['ff12::7063', 'fd00::1', 'GROUP_NOT_HEARD'],
  ['239.1.11.11', '::', 'ADDRESS_INVALID'],
  ['ff12::7063', '0.0.0.0', 'ADDRESS_INVALID'],
  ['223.255.255.255', '0.0.0.0', 'ADDRESS_INVALID'],
  ['240.0.0.1', '0.0.0.0', 'ADDRESS_INVALID'],
  ['fe80::1', '::', 'ADDRESS_INVALID'],
  ['ff::1', '::', 'ADDRESS_INVALID'],
  ['group.example', '0.0.0.0', 'ADDRESS_INVALID'],
])('the group %s on a socket bound to %s', (group, bound, code) => {
  const check = (): void => requireGroup(group, bound)
  if (code === undefined) expect(check).not.toThrow()
  else expect(check).toThrow(expect.objectContaining({ code }))
})
