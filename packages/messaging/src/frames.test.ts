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
