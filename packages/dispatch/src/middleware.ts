/** What runs around every handler, the one added first outermost. Pure. */
import { DispatchError } from './errors.js'
import type { HandlerContext } from './handler.js'
import { isPromise } from './is-promise.js'

/**
 * `next` runs what is further in and gives its result, or throws what that threw; it may be called once, or not at all to answer
 * in the handler's place. What a middleware throws counts as thrown by the handler.
 */
export type Middleware<Event, Result> = (
  event: Event,
  next: () => Result | Promise<Result>,
  context: HandlerContext,
) => Result | Promise<Result>

const MAX_MIDDLEWARES = 32 // each is called for each event; more is a leak of registrations

export class MiddlewareChain<Event, Result> {
  /** Replaced, never changed: events under way keep the list they began with. */
  #list: readonly { readonly run: Middleware<Event, Result> }[] = []

  get size(): number {
    return this.#list.length
  }

  /** @throws DispatchError TOO_MANY_MIDDLEWARES */
  use(run: Middleware<Event, Result>): () => void {
    if (this.#list.length >= MAX_MIDDLEWARES) {
      const text = `${MAX_MIDDLEWARES} middlewares are in use: take one away first`
      throw new DispatchError('TOO_MANY_MIDDLEWARES', text)
    }
    const entry = { run }
    this.#list = [...this.#list, entry]
    return () => {
      this.#list = this.#list.filter((other) => other !== entry)
    }
  }

  /** Runs all of them, and `innermost` where the last one calls its `next`. */
  run(event: Event, context: HandlerContext, innermost: () => Result | Promise<Result>): Result | Promise<Result> {
    const list = this.#list
    const from = (index: number): Result | Promise<Result> => {
      const entry = list[index]
      if (entry === undefined) return innermost()
      let called = false
      const next = (): Result | Promise<Result> => {
        if (called) throw new DispatchError('INVALID_ARGUMENT', 'a middleware called next twice: call it once')
        called = true
        const result = from(index + 1)
        // A middleware that drops the promise must not turn an error of the handler into the end of the process.
        if (isPromise(result)) result.then(undefined, () => {})
        return result
      }
      return entry.run(event, next, context)
    }
    return from(0)
  }
}
