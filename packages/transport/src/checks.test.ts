import { createIdentity } from '@pc/identity'
import { MAX_DATAGRAM } from '@pc/wire'
import { expect, test } from 'vitest'
import { refuseLongDatagram, refuseWrongPeer } from './checks.js'

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
