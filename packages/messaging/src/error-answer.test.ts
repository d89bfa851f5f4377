import { encodeValue, type Value, WireError } from '@pc/wire'
import { expect, test } from 'vitest'
import { asMessagingError, bodyOf, isExposed, unfitResult } from './error-answer.js'
import { MessagingError } from './errors.js'

test.each<[string, MessagingError, object]>([
  [
    'an error of this peer goes out under its own name',
    new MessagingError('DENIED', 'no'),
    { name: 'DENIED', text: 'no', retryable: false },
  ],
  [
    'whether to try again goes with it',
    new MessagingError('DENIED', 'no', { retryable: true, details: { code: 'X' } }),
    { name: 'DENIED', text: 'no', retryable: true },
  ],
  [
    'what a third peer said is no word about the one that asked',
    new MessagingError('DENIED', 'no', { remote: true, details: { code: 'X' } }),
    { name: 'HANDLER_FAILED', text: 'no', retryable: false, details: { code: 'DENIED' } },
  ],
  [
    'a code that only means something here goes along as a detail',
    new MessagingError('PEER_OFFLINE', 'gone'),
    { name: 'HANDLER_FAILED', text: 'gone', retryable: true, details: { code: 'PEER_OFFLINE' } },
  ],
  [
    'the code of what a handler threw goes along',
    new MessagingError('HANDLER_FAILED', 'sold out', { details: { code: 'SOLD_OUT', secret: 1 } }),
    { name: 'HANDLER_FAILED', text: 'sold out', retryable: false, details: { code: 'SOLD_OUT' } },
  ],
  [
    'but not what is no text',
    new MessagingError('HANDLER_FAILED', 'x', { details: { code: 7 } }),
    { name: 'HANDLER_FAILED', text: 'x', retryable: false },
  ],
  [
    'and not the code that the handler of a third peer gave',
    new MessagingError('HANDLER_FAILED', 'x', { remote: true, details: { code: 'SOLD_OUT' } }),
    { name: 'HANDLER_FAILED', text: 'x', retryable: false, details: { code: 'HANDLER_FAILED' } },
  ],
])('%s', (_rule, error, body) => {
  expect(bodyOf(error)).toEqual(body)
})

test('what a handler threw keeps its text and code, and whether to try again', () => {
  const own = new MessagingError('DENIED', 'no')
  expect(asMessagingError(own)).toBe(own)
  const thrown = Object.assign(new Error('sold out'), { code: 'SOLD_OUT', retryable: true })
  expect(asMessagingError(thrown)).toMatchObject({
    code: 'HANDLER_FAILED',
    message: 'sold out',
    retryable: true,
    cause: thrown,
    details: { code: 'SOLD_OUT' },
  })
  expect(asMessagingError(Object.assign(new Error('x'), { code: 7, retryable: 'yes' }))).toMatchObject({
    retryable: false,
    details: undefined,
  })
  expect(asMessagingError(null)).toMatchObject({ code: 'HANDLER_FAILED', message: 'null', retryable: false })
})

test.each([
  [Object.assign(new Error('x'), { expose: true }), true],
  [Object.assign(new Error('x'), { expose: 1 }), false],
  [new Error('x'), false],
  [{ expose: true }, false],
  [undefined, false],
])('only an error that says so is meant for strangers (case %#)', (error, exposed) => {
  expect(isExposed(error)).toBe(exposed)
})

test('a result that does not fit says why; another error is somebody else’s', () => {
  const unencodable = ((): unknown => {
    try {
      encodeValue(undefined as unknown as Value)
    } catch (error) {
      return error
    }
    return undefined
  })()
  expect(unencodable).toBeInstanceOf(WireError)
  expect(unfitResult(new WireError('TOO_LARGE', 'x'), 'a')).toMatchObject({ code: 'TOO_LARGE' })
  expect(unfitResult(Object.assign(new Error('x'), { code: 'TOO_LARGE' }), 'a')).toMatchObject({ code: 'TOO_LARGE' })
  expect(unfitResult(unencodable, 'a')).toMatchObject({ code: 'BAD_OUTPUT' })
  expect(unfitResult(new Error('x'), 'a')).toBeUndefined()
})
