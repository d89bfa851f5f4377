import { encodeValue } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  errorBody,
  fitsEarly,
  idKeyOf,
  idTailOf,
  MessageKind,
  packDatagram,
  packEarly,
  packWithId,
  readEarly,
  readErrorBody,
} from './sealed-message.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))

describe('sealed messages', () => {
  it('are a kind, an id for those that are matched, and a body', () => {
    expect(hex(packDatagram(bytes('c0')))).toBe('00c0')
    expect(hex(packWithId(MessageKind.REQUEST, bytes('0102030405060708'), bytes('a161')))).toBe(
      '010102030405060708a161',
    )
  })

  it('have their id as a key of 48 bits and a rest of 16', () => {
    const message = bytes('01ffeeddccbbaa9988c0')
    expect([idKeyOf(message), idTailOf(message)]).toEqual([0xffeeddccbbaa, 0x9988])
    expect(Number.isSafeInteger(idKeyOf(bytes('01ffffffffffffffff')))).toBe(true)
  })
})

describe('early data', () => {
  const message = { rootCode: 0x81, bytes: bytes('010102030405060708c0') }

  it('is as long as told, and read back', () => {
    const early = packEarly(message, 32)
    expect(hex(early)).toBe(`81000a010102030405060708c0${'00'.repeat(19)}`)
    const read = readEarly(early)
    expect([read?.rootCode, hex(read?.bytes ?? bytes(''))]).toEqual([0x81, hex(message.bytes)])
    expect(packEarly(undefined, 32)).toHaveLength(0)
  })

  it('fits or does not, to the byte', () => {
    expect([fitsEarly(message, 13), fitsEarly(message, 12)]).toEqual([true, false])
    expect(readEarly(packEarly(message, 13))?.bytes).toHaveLength(10)
  })

  it.each([
    ['nothing', ''],
    ['no length', '8100'],
    ['a length of 0', '8100000000'],
    ['a header alone', '810001'],
    ['a length that lies', '81000901020304'],
  ])('that is %s is no message', (_, text) => {
    expect(readEarly(bytes(text))).toBeUndefined()
  })

  it('property: anything is read as a message within it, or as none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
        const read = readEarly(data)
        expect(read === undefined || (read.bytes.length > 0 && read.bytes.length <= data.length - 3)).toBe(true)
      }),
    )
  })
})

describe('error bodies', () => {
  it('say a number and at most 200 characters', () => {
    expect(readErrorBody(errorBody(5, 'the handler failed'))).toEqual({ code: 5, text: 'the handler failed' })
    expect(errorBody(5, 'x'.repeat(300))).toEqual([5, 'x'.repeat(200)])
    expect(readErrorBody([5, 'x'.repeat(300)]).text).toHaveLength(200)
  })

  it.each(['\ud800', 'a\udc00b', `${'x'.repeat(199)}😀`])('have a form on the wire, whatever the text (%#)', (text) => {
    expect(() => encodeValue(errorBody(5, text))).not.toThrow()
    expect(errorBody(5, '😀')).toEqual([5, '😀'])
  })

  it.each([null, 5, 'text', [], [5], ['5', 'text'], [5, null], { code: 5 }])(
    'that are none are error 0: %j',
    (body) => {
      expect(readErrorBody(body).code).toBe(0)
    },
  )
})
