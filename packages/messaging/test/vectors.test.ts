/** The bytes of every frame, as another implementation has to write them: vectors.txt. A change here breaks the protocol. */
import { readFileSync } from 'node:fs'
import { decodeMessage, encodeMessage, type Value } from '@pc/wire'
import { expect, test } from 'vitest'
import * as frames from '../src/frames.js'

const vectors = new Map(
  readFileSync(new URL('vectors.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t') as [string, string]),
)

const epoch = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 255)
const message = { type: 'text', sentAt: 1_767_225_600_000, payload: 'hello' }
const request = { name: 'orders/new', ttlMs: 10_000, payload: { item: 'lamp', count: 2 } }
const no = { text: 'no', retryable: false }
const refused = { epoch, sequence: 301 }

test.each<[string, string, Value, (body: Value) => unknown, unknown]>([
  ['a request', 'pc/request', frames.writeRequest(request), frames.readRequest, request],
  ['a reply of nothing', 'pc/reply', frames.writeReply(null), frames.readReply, { payload: null }],
  [
    'an error',
    'pc/error',
    frames.writeError({ name: 'NO_HANDLER', ...no }),
    (body) => frames.readError(body)?.error.code,
    'NO_HANDLER',
  ],
  ['a cancellation', 'pc/cancel', null, (body) => body, null],
  [
    'a text message',
    'pc/message',
    frames.writeMessage({ epoch, sequence: 300 }, { ...message, ttlMs: 30_000 }),
    frames.readMessage,
    message,
  ],
  [
    'an acknowledgement',
    'pc/ack',
    frames.writeAck({ epoch, sequence: 300 }),
    frames.readPosition,
    { epoch, sequence: 300 },
  ],
  [
    'a refusal',
    'pc/error',
    frames.writeError({ name: 'DENIED', ...no }, refused),
    (body) => frames.readError(body)?.refused,
    refused,
  ],
])('%s', (what, header, body, read, meaning) => {
  const bytes = encodeMessage({ header, id: 7, version: 1, body, peerId: null })
  expect(Buffer.from(bytes).toString('hex')).toBe(vectors.get(what))
  expect(read(decodeMessage(bytes).body)).toEqual(meaning)
})

test('every vector is used', () => {
  expect(vectors.size).toBe(7)
})
