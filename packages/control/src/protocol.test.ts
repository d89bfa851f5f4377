import { encodeMessage, InvalidPacketError, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ControlError } from './errors.js'
import {
  publicError,
  RESERVED_HEADERS,
  readClientMessage,
  readDaemonMessage,
  writeAnswer,
  writeError,
  writeFrame,
} from './protocol.js'

const payloadOf = (frame: Uint8Array): Uint8Array => frame.subarray(4)
const message = (header: string, id: number | Uint8Array, body: Value, peerId: Uint8Array | null = null) =>
  encodeMessage({ header, id, version: 1, body, peerId })
const badRequest = expect.objectContaining({ code: 'BAD_REQUEST' })

describe('readClientMessage', () => {
  it('reads the three kinds', () => {
    expect(readClientMessage(message('hello', 0, { protocol: 1, client: 'pc/1' }))).toEqual({
      type: 'hello',
      protocol: 1,
      client: 'pc/1',
    })
    expect(readClientMessage(message('peers', 1, { a: 1 }))).toEqual({
      type: 'request',
      id: 1,
      command: 'peers',
      args: { a: 1 },
    })
    expect(readClientMessage(message('cancel', 9, null))).toEqual({ type: 'cancel', id: 9 })
  })

  it.each([
    ['an id of bytes', message('peers', new Uint8Array(8), null)],
    ['a peer id', message('peers', 1, null, new Uint8Array(32))],
    ['a request with the id of the session', message('peers', 0, null)],
    ['an answer', message('ok', 1, null)],
    ['a hello without a version', message('hello', 0, { client: 'x' })],
    ['a hello that is no map', message('hello', 0, [])],
    ['a hello without a body', message('hello', 0, null)],
    ['a hello with half a version', message('hello', 0, { protocol: 1.5, client: 'x' })],
    ['a hello with a list for a name', message('hello', 0, { protocol: 1, client: ['x'] })],
    ['a hello with a long name', message('hello', 0, { protocol: 1, client: 'x'.repeat(257) })],
    ['bytes that are no envelope', new Uint8Array([0xc1])],
  ])('refuses %s', (_name, payload) => {
    expect(() => readClientMessage(payload)).toThrow(badRequest)
  })

  it('takes a hello with a name of 256 characters', () => {
    const client = 'x'.repeat(256)
    expect(readClientMessage(message('hello', 0, { protocol: 1, client }))).toMatchObject({ client })
  })

  it('says why it could not read bytes', () => {
    const read = () => readClientMessage(new Uint8Array([0xc1]))
    expect(read).toThrow(expect.objectContaining({ cause: expect.any(InvalidPacketError) }))
  })

  it('throws nothing but BAD_REQUEST for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const read of [readClientMessage, readDaemonMessage]) {
          try {
            read(bytes)
          } catch (error) {
            if (!(error instanceof ControlError)) throw error
            expect(error.code).toBe('BAD_REQUEST')
          }
        }
      }),
    )
  })
})

describe('answers', () => {
  it('carry an error with its details', () => {
    const error = new ControlError('PEER_AMBIGUOUS', 'two', { details: { candidates: ['a', 'b'] } })
    const read = readDaemonMessage(payloadOf(writeError(7, error)))
    expect(read).toMatchObject({
      type: 'error',
      id: 7,
      error: { code: 'PEER_AMBIGUOUS', message: 'two', details: { candidates: ['a', 'b'] } },
    })
  })

  it('say nothing about errors that are not meant for clients', () => {
    const read = readDaemonMessage(payloadOf(writeError(1, new TypeError('secret of the house'))))
    expect(read).toMatchObject({ error: { code: 'INTERNAL' } })
    expect(JSON.stringify(read)).not.toContain('secret')
  })

  it('drop details that cannot be encoded, not the error', () => {
    const error = new ControlError('DENIED', 'no', { details: { at: new Date(0) } })
    expect(readDaemonMessage(payloadOf(writeError(1, error)))).toMatchObject({ error: { code: 'DENIED' } })
  })

  it('keep for the log why a command failed', () => {
    const cause = new TypeError('secret of the house')
    expect(publicError(cause)).toMatchObject({ code: 'INTERNAL', cause })
    const known = new ControlError('DENIED', 'no')
    expect(publicError(known)).toBe(known)
  })

  it('carry at most 4,096 characters of an error', () => {
    const read = readDaemonMessage(payloadOf(writeError(1, new ControlError('DENIED', 'x'.repeat(5_000)))))
    expect(read).toMatchObject({ error: { message: 'x'.repeat(4_096) } })
  })

  it('give an error without a text one', () => {
    for (const body of [null, {}, { code: 'DENIED', text: 7 }]) {
      const read = readDaemonMessage(payloadOf(writeFrame('error', 1, body)))
      expect(read).toMatchObject({ error: { message: 'the daemon gave no reason', details: undefined } })
    }
  })

  it('are none when the header is not one of theirs', () => {
    expect(() => readDaemonMessage(message('peers', 1, null))).toThrow(badRequest)
  })

  it('fill a frame of 1 MiB, and no more', () => {
    expect(writeFrame('ok', 1, new Uint8Array(1_000_000)).length).toBeGreaterThan(1_000_000)
    expect(() => writeFrame('ok', 1, new Uint8Array(1_048_576))).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
  })

  it('take a code that only a newer daemon knows for INTERNAL', () => {
    const frame = writeFrame('error', 1, { code: 'FROM_THE_FUTURE', text: 'new' })
    expect(readDaemonMessage(payloadOf(frame))).toMatchObject({ error: { code: 'INTERNAL', message: 'new' } })
  })

  it('may have more elements than a request', () => {
    const many = Array.from({ length: 20_000 }, (_, index) => index)
    expect(readDaemonMessage(payloadOf(writeAnswer('ok', 1, many)))).toMatchObject({ result: many })
    expect(() => readClientMessage(payloadOf(writeAnswer('ok', 1, many)))).toThrow(badRequest)
    expect(() => writeAnswer('ok', 1, new Uint8Array(1_048_576))).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})

describe('readDaemonMessage', () => {
  it.each<[string, Value, object]>([
    ['hello', { protocol: 1, daemon: 'pcd/1' }, { type: 'hello', protocol: 1, daemon: 'pcd/1' }],
    ['ok', { a: 1 }, { type: 'ok', id: 5, result: { a: 1 } }],
    ['event', [1], { type: 'event', id: 5, item: [1] }],
    ['end', null, { type: 'end', id: 5 }],
  ])('reads %s', (header, body, read) => {
    expect(readDaemonMessage(message(header, 5, body))).toEqual(read)
  })

  it('reads an error without details as one that has none', () => {
    const frame = payloadOf(writeError(1, new ControlError('DENIED', 'no')))
    expect(readDaemonMessage(frame)).toMatchObject({ error: { code: 'DENIED', details: undefined } })
    expect(frame).toEqual(payloadOf(writeFrame('error', 1, { code: 'DENIED', text: 'no' })))
  })
})

it.each(['hello', 'cancel', 'ok', 'error', 'event', 'end'])('no command may be called %s, as a frame is', (name) => {
  expect(RESERVED_HEADERS).toContain(name)
})
