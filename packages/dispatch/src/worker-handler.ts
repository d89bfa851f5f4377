/** A handler that lives in a module of its own and runs on a worker thread. */
import type { TransferListItem } from 'node:worker_threads'
import { DispatchError } from './errors.js'
import type { DispatchedEvent, HandlerContext, HandlerOptions } from './handler.js'
import { textOf } from './text-of.js'
import type { WorkerPool } from './worker-pool.js'

export interface WorkerHandlerOptions<Event> extends HandlerOptions<Event> {
  /**
   * `file:` URL of the module; its default export is called with what `pack` gave, and what it returns, or what its promise
   * resolves with, is the result. Both are copied by structured clone. It is loaded once by each thread, and what it keeps
   * between two calls stays in that thread.
   */
  module: URL
  /**
   * What the thread is given of an event: something that can be cloned, which keys, connections and functions cannot. It is
   * copied, so the event stays as it is.
   */
  pack: (event: Event) => unknown
  /** Parts of the packed value that are handed over instead of copied; here nobody may touch them again. @default none */
  transfer?: (packed: unknown) => readonly TransferListItem[]
  /** Events of this header on threads, or waiting for one, at the same time. @default `workers.maxThreads` */
  concurrency?: number
}

/** @throws DispatchError INVALID_ARGUMENT */
export function workerHandler<Event extends DispatchedEvent, Result>(
  options: WorkerHandlerOptions<Event>,
  pool: WorkerPool,
): (event: Event, context: HandlerContext) => Promise<Result> {
  const { module, pack, transfer } = options
  if (!(module instanceof URL) || module.protocol !== 'file:') {
    throw new DispatchError('INVALID_ARGUMENT', `expected module to be a file: URL, got ${String(module)}`)
  }
  if (typeof pack !== 'function') {
    throw new DispatchError('INVALID_ARGUMENT', 'expected pack to be a function: an event itself cannot be cloned')
  }
  return (event, { signal }) => {
    const { header } = event
    let task: { value: unknown; transfer: readonly TransferListItem[] }
    try {
      const value = pack(event)
      task = { value, transfer: transfer?.(value) ?? [] }
    } catch (cause) {
      const text = `an event of "${header}" cannot be packed: ${textOf(cause)}`
      return Promise.reject(new DispatchError('HANDLER_FAILED', text, { cause, header }))
    }
    return pool.run({ ...task, header, module: module.href }, signal) as Promise<Result>
  }
}
