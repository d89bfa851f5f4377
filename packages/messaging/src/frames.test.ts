import type { Value } from '@pc/wire'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  hexOf,
  isName,
  readError,
  readMessage,
  readPosition,
  readReply,
  readRequest,
  writeAck,
  writeError,
  writeMessage,
  writeReply,
  writeRequest,
} from './frames.js'

const epoch = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 255)

test('what is written is read', () => {
  const message = writeMessage({ epoch, sequence: 3 }, { type: 'text', sentAt: 5, payload: 'hi', ttlMs: 1.2 })
  expect(message).toEqual({ type: 'text', epoch, seq: 3, at: 5, ttl: 2, body: 'hi' })
  expect(readPosition(message)).toEqual({ epoch, sequence: 3 })
  expect(readMessage(message)).toEqual({ type: 'text', sentAt: 5, payload: 'hi' })
  expect(readPosition(writeAck({ epoch, sequence: 3 }))).toEqual({ epoch, sequence: 3 })
  expect(readRequest(writeRequest({ name: 'a/b', ttlMs: 10, payload: null }))).toEqual({
    name: 'a/b',
    ttlMs: 10,
    payload: null,
  })
  expect(readReply(writeReply(null))).toEqual({ payload: null })
})

test('members that a reader does not know are ignored', () => {
  expect(readRequest({ name: 'a', ttl: 1, body: 2, later: true })).toEqual({ name: 'a', ttlMs: 1, payload: 2 })
})

test('an error carries its number, text and, when it refuses a message, its place', () => {
  const body = writeError({ name: 'DENIED', text: 'no', retryable: false }, { epoch, sequence: 7 })
  expect(body).toEqual({ code: 2, text: 'no', retryable: false, details: { epoch, seq: 7 } })
  const read = readError(body)
  expect(read?.refused).toEqual({ epoch, sequence: 7 })
  expect(read?.error).toMatchObject({ code: 'DENIED', message: 'no', retryable: false, remote: true })
})

test('an error of a later version keeps its number and whether to try again', () => {
  const read = readError({ code: 4711, text: 'new\u001b[31m', retryable: true, details: { code: 'SOLD\u0007OUT' } })
  expect(read?.error).toMatchObject({ code: 'REMOTE_ERROR', message: 'new [31m', retryable: true })
  expect(read?.error.details).toEqual({ number: 4711, code: 'SOLD OUT' })
})

test.each([
  ['', false],
  ['orders/new', true],
  ['é'.repeat(32), true],
  ['é'.repeat(33), false],
  ['x'.repeat(64), true],
  ['x'.repeat(65), false],
  ['line\nbreak', false],
  ['\ud800', false],
  [7, false],
])('is %j a name: %j', (name, expected) => {
  expect(isName(name)).toBe(expected)
})

test.each<[string, Value]>([
  ['no map', []],
  ['null', null],
  ['short epoch', { epoch: epoch.subarray(1), seq: 1 }],
  ['text epoch', { epoch: '01234567', seq: 1 }],
  ['number zero', { epoch, seq: 0 }],
  ['fraction', { epoch, seq: 1.5 }],
  ['negative', { epoch, seq: -1 }],
  ['beyond 2^53', { epoch, seq: 2 ** 53 }],
])('a position with %s is none', (_what, body) => {
  expect(readPosition(body)).toBeUndefined()
})

const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, 0, -1, 1.5, Number.MAX_SAFE_INTEGER, 'text'),
    fc.uint8Array({ maxLength: 9 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom('name', 'type', 'epoch', 'seq', 'at', 'ttl', 'body', 'code', 'text', 'retryable', 'details'),
      tie('value'),
    ),
  ),
})).value

test('no body makes a reader throw, and what it returns has the right kinds', () => {
  fc.assert(
    fc.property(anyValue, (body) => {
      const request = readRequest(body)
      if (request !== undefined) expect(isName(request.name) && request.ttlMs >= 0).toBe(true)
      const message = readMessage(body)
      if (message !== undefined) expect(isName(message.type) && message.sentAt >= 0).toBe(true)
      const position = readPosition(body)
      if (position !== undefined) expect(hexOf(position.epoch)).toHaveLength(16)
      readReply(body)
      expect(readError(body)?.error.remote ?? true).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test.each<[string, (body: Value) => unknown, { [key: string]: Value }, string[], { [key: string]: Value }]>([
  [
    'a message',
    readMessage,
    { type: 'a', at: 0, ttl: 0, body: null },
    ['type', 'at', 'ttl', 'body'],
    { type: 7, at: -1, ttl: 1.5 },
  ],
  ['a request', readRequest, { name: 'a', ttl: 0, body: null }, ['name', 'ttl', 'body'], { name: '', ttl: 2 ** 53 }],
  ['a reply', readReply, { body: null }, ['body'], {}],
  [
    'an error',
    readError,
    { code: 0, text: '', retryable: false },
    ['code', 'text', 'retryable'],
    { code: '2', text: null, retryable: 0 },
  ],
])('%s needs each of its members, in its own kind', (_what, read, whole, needed, wrong) => {
  expect(read(whole)).toBeDefined()
  for (const member of needed) {
    const { [member]: _left, ...rest } = whole
    expect(read(rest), `without ${member}`).toBeUndefined()
  }
  for (const [member, value] of Object.entries(wrong)) {
    expect(read({ ...whole, [member]: value }), `with another ${member}`).toBeUndefined()
  }
  for (const body of [null, [], [whole], 'x', 7, new Uint8Array(8)]) expect(read(body)).toBeUndefined()
})

test('time that is left is whole milliseconds, and never less than none', () => {
  for (const [ttlMs, ttl] of [
    [0, 0],
    [-5, 0],
    [0.001, 1],
    [7, 7],
  ] as const) {
    expect(writeRequest({ name: 'a', ttlMs, payload: null })).toEqual({ name: 'a', ttl, body: null })
  }
})

test('texts of errors are cut at 512 letters on both sides, codes longer than 64 left out', () => {
  const long = 'x'.repeat(600)
  expect(writeError({ name: 'DENIED', text: long, retryable: true })).toEqual({
    code: 2,
    text: 'x'.repeat(512),
    retryable: true,
  })
  expect(readError({ code: 2, text: long, retryable: true })?.error.message).toBe('x'.repeat(512))
  const withCode = (code: Value) => readError({ code: 2, text: '', retryable: true, details: { code } })?.error.details
  expect(withCode('c'.repeat(64))).toEqual({ number: 2, code: 'c'.repeat(64) })
  expect(withCode('c'.repeat(65))).toEqual({ number: 2 })
  expect(withCode(7)).toEqual({ number: 2 })
})

test('an error keeps its own details beside the place of the message it refuses', () => {
  const error = { name: 'DENIED', text: 'no', retryable: false, details: { code: 'X' } } as const
  expect(writeError(error)).toMatchObject({ details: { code: 'X' } })
  expect(writeError(error, { epoch, sequence: 7 })).toMatchObject({ details: { code: 'X', epoch, seq: 7 } })
  const read = readError({ code: 2, text: 'no', retryable: false })
  expect([read?.refused, read?.error.details]).toEqual([undefined, { number: 2 }])
})

test('a position is a copy: the frame it came in may go', () => {
  const bytes = Uint8Array.from(epoch)
  const position = readPosition({ epoch: bytes, seq: 1 })
  bytes.fill(9)
  expect(position).toEqual({ epoch, sequence: 1 })
  expect(hexOf(epoch)).toBe('00010203040506ff')
})
