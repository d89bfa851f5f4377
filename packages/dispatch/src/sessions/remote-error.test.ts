import { describe, expect, it } from 'vitest'
import { pairOf } from '../../test/_util/live-sessions.js'
import { DispatchError } from '../errors.js'
import { errorNumberOf, remoteError } from './remote-error.js'

describe('errors of the other side', () => {
  it.each([
    ['NO_HANDLER', 1, false],
    ['DENIED', 2, false],
    ['BUSY', 3, true],
    ['BAD_INPUT', 4, false],
    ['HANDLER_FAILED', 5, false],
    ['TOO_LARGE', 11, false],
  ] as const)('%s travels as %d', (code, number, retryable) => {
    expect(errorNumberOf(new DispatchError(code, 'why'))).toBe(number)
    const error = remoteError(pairOf(), { code: number, text: 'why' })
    expect([error.code, error.retryable]).toEqual([code, retryable])
    expect(error.message).toContain('why')
  })

  it.each([0, 6, 12, 99, -1, 1.5])('%d is one that this side does not know', (code) => {
    expect(remoteError(pairOf(), { code, text: 'why' }).code).toBe('REMOTE_ERROR')
  })

  it('says nothing of what else went wrong', () => {
    for (const error of [new Error('secret'), 'text', undefined, new DispatchError('CLOSED', 'closed')]) {
      expect(errorNumberOf(error)).toBe(5)
    }
  })
})
