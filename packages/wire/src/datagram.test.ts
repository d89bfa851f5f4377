import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { thrownBy } from '../test/_util/thrown.js'
import { packMacDatagram, readDatagram } from './datagram.js'
import { MAX_DATAGRAM } from './limits.js'

const fields = { rootCode: 1, keyId: 1, sentAt: 2, bootId: new Uint8Array(8), body: Uint8Array.of(0xc0) }
const mac = (bytes: Uint8Array) => createHmac('sha256', 'key').update(bytes).digest().subarray(0, 16)

describe('packMacDatagram', () => {
  test('gives what readDatagram takes apart and a receiver can verify', () => {
    const datagram = readDatagram(packMacDatagram(fields, mac))
    if (datagram.protection !== 1) throw new Error('a network MAC was expected')
    const { authenticated, mac: proof, protection, ...read } = datagram
    expect(read).toStrictEqual(fields)
    expect(proof).toStrictEqual(new Uint8Array(mac(authenticated)))
  })

  test('fills a datagram exactly, and not one byte more', () => {
    const largest = { ...fields, body: new Uint8Array(MAX_DATAGRAM - 36) }
    expect(packMacDatagram(largest, mac)).toHaveLength(MAX_DATAGRAM)
    const larger = { ...fields, body: new Uint8Array(MAX_DATAGRAM - 35) }
    expect(thrownBy(() => packMacDatagram(larger, mac))).toMatchObject({ name: 'WireError', code: 'TOO_LARGE' })
  })

  test.each<[string, object]>([
    ['an unknown root code', { rootCode: 5 }],
    ['a fractional root code', { rootCode: 0.5 }],
    ['a root code over a byte', { rootCode: 256 }],
    ['a negative key id', { keyId: -1 }],
    ['a key id over 32 bits', { keyId: 2 ** 32 }],
    ['a time over 48 bits', { sentAt: 2 ** 48 }],
    ['a fractional time', { sentAt: 1.5 }],
    ['a short boot id', { bootId: new Uint8Array(7) }],
    ['no body', { body: new Uint8Array(0) }],
  ])('refuses %s', (_name, change) => {
    const error = thrownBy(() => packMacDatagram({ ...fields, ...change }, mac))
    expect(error).toMatchObject({ name: 'WireError', code: 'BAD_FIELD' })
  })

  test('refuses a MAC of another length', () => {
    expect(thrownBy(() => packMacDatagram(fields, () => new Uint8Array(32)))).toMatchObject({ code: 'BAD_FIELD' })
  })
})

test('readDatagram gives plain views of the bytes', () => {
  const bytes = Buffer.from(packMacDatagram(fields, mac))
  const datagram = readDatagram(bytes)
  if (datagram.protection !== 1) throw new Error('a network MAC was expected')
  for (const view of [datagram.bootId, datagram.body, datagram.mac, datagram.authenticated]) {
    expect(view.constructor).toBe(Uint8Array)
    expect(view.buffer).toBe(bytes.buffer)
  }
})

test.each<[string, Uint8Array, object]>([
  ['nothing', new Uint8Array(), { code: 'DATAGRAM_TOO_SHORT' }],
  ['half a header', Uint8Array.of(1), { code: 'DATAGRAM_TOO_SHORT' }],
  ['too many bytes', new Uint8Array(MAX_DATAGRAM + 1), { code: 'DATAGRAM_TOO_LARGE' }],
  ['root code 5', Uint8Array.of(5, 0x10), { code: 'ROOT_CODE_UNKNOWN', offset: 0 }],
  ['root code 127', Uint8Array.of(127, 0x10), { code: 'ROOT_CODE_UNKNOWN', offset: 0 }],
  ['version 0', Uint8Array.of(1, 0x00), { code: 'VERSION_UNSUPPORTED', offset: 1 }],
  ['version 2', Uint8Array.of(1, 0x20), { code: 'VERSION_UNSUPPORTED', offset: 1 }],
  ['protection 4', Uint8Array.of(1, 0x14), { code: 'PROTECTION_UNKNOWN', offset: 1 }],
])('readDatagram refuses %s', (_name, bytes, error) => {
  expect(thrownBy(() => readDatagram(bytes))).toMatchObject({ name: 'InvalidPacketError', ...error })
})

test.each([0, 4, 128, 255])(
  'readDatagram takes root code %i without protection, an empty body included',
  (rootCode) => {
    expect(readDatagram(Uint8Array.of(rootCode, 0x10))).toEqual({ protection: 0, rootCode, body: new Uint8Array() })
    expect(readDatagram(Uint8Array.of(rootCode, 0x13, 7))).toEqual({ protection: 3, rootCode, body: Uint8Array.of(7) })
  },
)

test('readDatagram needs the whole of each layout', () => {
  const whole = packMacDatagram(fields, mac)
  expect(readDatagram(whole)).toMatchObject({ protection: 1 })
  expect(thrownBy(() => readDatagram(whole.subarray(0, -1)))).toMatchObject({ code: 'DATAGRAM_TOO_SHORT' })
  const session = Uint8Array.of(3, 0x12, ...new Uint8Array(28))
  expect(readDatagram(session)).toMatchObject({ protection: 2, counter: 0n, sealed: new Uint8Array() })
  expect(thrownBy(() => readDatagram(session.subarray(0, -1)))).toMatchObject({ code: 'DATAGRAM_TOO_SHORT' })
})
