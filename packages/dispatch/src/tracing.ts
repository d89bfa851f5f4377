/**
 * What happens to events, for whoever subscribes to the diagnostics channels of this process. Without subscribers an event
 * costs one look at each channel; names and fields of the messages are in the README.
 */
import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { PeerId } from '@pc/identity'
import type { DispatchErrorCode } from './errors.js'
import type { Verb } from './handler.js'
import { isPromise } from './is-promise.js'

/** Message of `tracing:pc:dispatch:handle:*`. The same object comes with all events of one run. */
export interface HandleTrace {
  readonly verb: Verb
  readonly header: string
  readonly peer: PeerId
  /** What the handler threw, from `error` on. */
  error?: unknown
}

/** Message of `pc:dispatch:refused`. */
export interface RefusedTrace {
  readonly verb: Verb
  readonly header: string
  readonly code: DispatchErrorCode
}

const handling = tracingChannel<unknown, HandleTrace>('pc:dispatch:handle')
const refusals = channel('pc:dispatch:refused')

/** Whether anybody listens to `traced`. */
export function isTraced(): boolean {
  return handling.hasSubscribers
}

/** Runs a handler between `start` and `end`; one that returns a promise is over at `asyncEnd`. Result and error pass through. */
export function traced<Result>(trace: HandleTrace, run: () => Result | Promise<Result>): Result | Promise<Result> {
  return handling.start.runStores(trace, () => {
    try {
      const result = run()
      return isPromise(result) ? result.then(onResult, onError) : result
    } catch (error) {
      trace.error = error
      handling.error.publish(trace)
      throw error
    } finally {
      handling.end.publish(trace)
    }
  })

  function onResult(result: Result): Result {
    handling.asyncStart.publish(trace)
    handling.asyncEnd.publish(trace)
    return result
  }

  function onError(error: unknown): never {
    trace.error = error
    handling.error.publish(trace)
    handling.asyncStart.publish(trace)
    handling.asyncEnd.publish(trace)
    throw error
  }
}

export function traceRefusal(verb: Verb, header: string, code: DispatchErrorCode): void {
  if (refusals.hasSubscribers) refusals.publish({ verb, header, code } satisfies RefusedTrace)
}
