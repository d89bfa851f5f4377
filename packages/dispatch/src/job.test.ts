import { describe, expect, it } from 'vitest'
import { LazyContext } from './job.js'

describe('LazyContext', () => {
  it('aborts a signal that somebody has read', () => {
    const context = new LazyContext()
    const { signal } = context
    expect(signal.aborted).toBe(false)
    context.abort('first')
    context.abort('second')
    expect([signal.aborted, signal.reason]).toEqual([true, 'first'])
    expect(context.signal).toBe(signal)
  })

  it('tells those who read it later, with the first reason', () => {
    const context = new LazyContext()
    context.abort('first')
    context.abort('second')
    expect([context.signal.aborted, context.signal.reason]).toEqual([true, 'first'])
  })
})
