import { expect, test } from 'vitest'
import { ErrorNumber } from './error-number.js'

test('error numbers never change', () => {
  expect(ErrorNumber).toEqual({
    NO_HANDLER: 1,
    DENIED: 2,
    BUSY: 3,
    BAD_INPUT: 4,
    HANDLER_FAILED: 5,
    CANCELLED: 6,
    DEADLINE: 7,
    SHUTTING_DOWN: 8,
    BAD_OUTPUT: 9,
    INBOX_REFUSED: 10,
    TOO_LARGE: 11,
    OUT_OF_ORDER: 12,
  })
})
