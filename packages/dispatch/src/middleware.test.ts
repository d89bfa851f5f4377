import { describe, expect, it } from 'vitest'
import type { HandlerContext } from './handler.js'
import { MiddlewareChain } from './middleware.js'

const context: HandlerContext = { signal: new AbortController().signal }
const code = (value: string): Error => expect.objectContaining({ name: 'DispatchError', code: value }) as Error

describe('MiddlewareChain', () => {
  it('runs in order of adding, the first outermost, and stays synchronous', () => {
    const chain = new MiddlewareChain<string, string>()
    chain.use((event, next) => `1(${next()})${event}`)
    chain.use((_, next, given) => `2(${next()})${given === context}`)
    expect(chain.run('e', context, () => 'x')).toBe('1(2(x)true)e')
  })

  it('answers without the handler when next is not called', () => {
    const chain = new MiddlewareChain<string, string>()
    chain.use(() => 'cached')
    let called = false
    void chain.run('e', context, () => {
      called = true
      return 'x'
    })
    expect(called).toBe(false)
    expect(chain.run('e', context, () => 'x')).toBe('cached')
  })

  it('takes away exactly the one that was added, even if the same function was added twice', () => {
    const chain = new MiddlewareChain<string, string>()
    const twice = (_: string, next: () => string | Promise<string>) => `(${next()})`
    const take = chain.use(twice)
    chain.use((_, next) => `[${next()}]`)
    chain.use(twice)
    take()
    take()
    expect(chain.size).toBe(2)
    expect(chain.run('e', context, () => 'x')).toBe('[(x)]')
  })

  it('keeps what an event began with', () => {
    const chain = new MiddlewareChain<string, string>()
    chain.use((_, next) => {
      take()
      return `1(${next()})`
    })
    const take = chain.use((_, next) => `2(${next()})`)
    expect(chain.run('e', context, () => 'x')).toBe('1(2(x))')
    expect(chain.run('e', context, () => 'x')).toBe('1(x)')
  })

  it('refuses a second next, and runs the handler once', () => {
    const chain = new MiddlewareChain<string, string>()
    chain.use((_, next) => `${next()}${next()}`)
    let called = 0
    expect(() => chain.run('e', context, () => `${++called}`)).toThrow(code('INVALID_ARGUMENT'))
    expect(called).toBe(1)
  })

  it('leaves no rejection unheard when a middleware drops the promise of next', async () => {
    const chain = new MiddlewareChain<string, string>()
    chain.use((_, next) => {
      void next()
      return 'mine'
    })
    const unheard: unknown[] = []
    const listen = (error: unknown): void => {
      unheard.push(error)
    }
    process.on('unhandledRejection', listen)
    expect(chain.run('e', context, () => Promise.reject(new Error('dropped')))).toBe('mine')
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listen)
    expect(unheard).toEqual([])
  })

  it('takes 32 of them', () => {
    const chain = new MiddlewareChain<string, string>()
    const takes = Array.from({ length: 32 }, () => chain.use((_, next) => next()))
    expect(() => chain.use((_, next) => next())).toThrow(code('TOO_MANY_MIDDLEWARES'))
    takes[0]?.()
    chain.use((_, next) => next())
    expect(chain.run('e', context, () => 'x')).toBe('x')
  })
})
