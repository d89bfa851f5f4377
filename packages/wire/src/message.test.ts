import { describe, expect, test } from 'vitest'
import { thrownBy } from '../test/_util/thrown.js'
import { DATAGRAM_LIMITS } from './limits.js'
import { decodeMessage, encodeMessage } from './message.js'
import type { Message } from './message-fields.js'
import { encodeValue, type Value } from './value.js'

const message: Message = { header: 'pc/ping', id: 7, version: 1, body: null, peerId: null }
const nested = (depth: number): Value => (depth === 0 ? 0 : [nested(depth - 1)])

describe('encodeMessage refuses', () => {
  test.each<[string, object, string]>([
    ['another version', { version: 2 }, 'VERSION_UNSUPPORTED'],
    ['an empty header', { header: '' }, 'BAD_HEADER'],
    ['a header of 65 bytes', { header: 'x'.repeat(65) }, 'BAD_HEADER'],
    ['a header of 33 two-byte characters', { header: 'é'.repeat(33) }, 'BAD_HEADER'],
    ['a control character', { header: 'a\u007f' }, 'BAD_HEADER'],
    ['a lone surrogate in the header', { header: 'a\ud800' }, 'UNENCODABLE'],
    ['a negative id', { id: -1 }, 'BAD_ID'],
    ['a fractional id', { id: 0.5 }, 'BAD_ID'],
    ['an unsafe id', { id: 2 ** 53 }, 'BAD_ID'],
    ['an empty id', { id: new Uint8Array(0) }, 'BAD_ID'],
    ['an id of 33 bytes', { id: new Uint8Array(33) }, 'BAD_ID'],
    ['a short peer id', { peerId: new Uint8Array(31) }, 'BAD_PEER_ID'],
    ['no peer id', { peerId: undefined }, 'BAD_PEER_ID'],
    ['no body', { body: undefined }, 'UNENCODABLE'],
    ['a body too deep', { body: nested(17) }, 'TOO_DEEP'],
  ])('%s', (_name, change, code) => {
    const error = thrownBy(() => encodeMessage({ ...message, ...change } as Message))
    expect(error).toMatchObject({ name: 'WireError', code })
  })
})

test('the limits are those of the body', () => {
  const deep = encodeMessage({ ...message, body: nested(8) })
  expect(decodeMessage(deep, DATAGRAM_LIMITS).body).toStrictEqual(nested(8))
  const deeper = encodeMessage({ ...message, body: nested(9) })
  expect(thrownBy(() => decodeMessage(deeper, DATAGRAM_LIMITS))).toMatchObject({ code: 'TOO_DEEP' })
  expect(thrownBy(() => encodeMessage({ ...message, body: nested(9) }, DATAGRAM_LIMITS))).toMatchObject({
    code: 'TOO_DEEP',
    path: `$${'[0]'.repeat(8)}`,
  })

  const many = { ...message, body: new Array<Value>(4_096).fill(0) }
  expect(decodeMessage(encodeMessage(many)).body).toHaveLength(4_096)
  const wide = { maxDepth: 16, maxElements: 10_000 }
  const more = encodeMessage({ ...message, body: new Array<Value>(4_097).fill(0) }, wide)
  expect(thrownBy(() => decodeMessage(more))).toMatchObject({ code: 'TOO_MANY_ELEMENTS' })
  expect(decodeMessage(more, wide).body).toHaveLength(4_097)
})

test('an id of -0 is 0, on both sides', () => {
  expect(encodeMessage({ ...message, id: -0 })).toStrictEqual(encodeMessage({ ...message, id: 0 }))
  expect(Object.is(decodeMessage(encodeValue(['a', -0, 1, null, null])).id, 0)).toBe(true)
})

test('byte strings of a message are views of its bytes', () => {
  const bytes = encodeMessage({ ...message, body: Uint8Array.of(1, 2, 3) })
  expect((decodeMessage(bytes).body as Uint8Array).buffer).toBe(bytes.buffer)
})
