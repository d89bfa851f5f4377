import { expect, test } from 'vitest'
import { CLOSE_CODES, closeCodeNumber, closeCodeOf } from './close-code.js'

test('the numbers on the wire never change', () => {
  expect(CLOSE_CODES.slice(0, 16)).toEqual([
    'LEAVING',
    'DUPLICATE',
    'SHUTTING_DOWN',
    'OTHER_NETWORK',
    'VERSION_MISMATCH',
    'PROTOCOL_ERROR',
    'BUSY',
    'IDLE',
    'RESTARTED',
    'HELLO_TIMEOUT',
    'CLOSED',
    'PING_TIMEOUT',
    'ENDED',
    'FAILED',
    'UNKNOWN',
    'TOO_SLOW',
  ])
  for (const [number, code] of CLOSE_CODES.entries()) {
    expect(closeCodeNumber(code)).toBe(number)
    expect(closeCodeOf(number)).toBe(code)
  }
  expect([closeCodeOf(CLOSE_CODES.length), closeCodeOf(-1), closeCodeOf(1.5)]).toEqual([
    'UNKNOWN',
    'UNKNOWN',
    'UNKNOWN',
  ])
})
