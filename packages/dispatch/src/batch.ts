/**
 * Events handed over together. Pure: what becomes of each is told to a callback.
 *
 * With something around every handler (middleware, tracing), each event passes through that on its own, and the batch is handed
 * over when each has come to its innermost `next` or has been settled without it: so one that is slow there holds up those with it.
 */
import { DispatchError } from './errors.js'
import type { BatchHandler } from './handler.js'
import { isPromise } from './is-promise.js'
import { LazyContext, type SharedRun } from './job.js'

/** An event that has been taken out of the queue. */
export interface Member<Event> {
  readonly event: Event
  /** Its caller has gone. */
  readonly settled: boolean
}

export type Around<M, Result> = (member: M, innermost: () => Promise<Result>) => Result | Promise<Result>

/** `over`: these were the last of the batch. */
export type OnSettled<M, Result> = (
  members: readonly M[],
  outcome: { readonly error: unknown } | { readonly results: readonly Result[] },
  over: boolean,
) => void

export class Batch<Event, Result, M extends Member<Event>> implements SharedRun {
  readonly #members: readonly M[]
  readonly #handle: BatchHandler<Event, Result>
  readonly #onSettled: OnSettled<M, Result>
  readonly #context = new LazyContext()
  #waitedFor: number

  constructor(members: readonly M[], handle: BatchHandler<Event, Result>, onSettled: OnSettled<M, Result>) {
    this.#members = members
    this.#handle = handle
    this.#onSettled = onSettled
    this.#waitedFor = members.length
  }

  giveUp(reason: unknown): void {
    this.#waitedFor--
    if (this.#waitedFor === 0) this.#context.abort(reason)
  }

  /** Hands all of them over at once, and settles all of them at once. */
  run(): void {
    const onResults = (results: readonly Result[]): void => this.#onSettled(this.#members, { results }, true)
    const onError = (error: unknown): void => this.#onSettled(this.#members, { error }, true)
    let results: readonly Result[] | Promise<readonly Result[]>
    try {
      results = this.#call(this.#members)
    } catch (error) {
      onError(error)
      return
    }
    if (isPromise(results)) results.then(onResults, onError)
    else onResults(results)
  }

  /** As `run`, with something around each of them, which settles each on its own. */
  runAround(around: Around<M, Result>): void {
    const gathering = new Gathering<M, Result>(this.#members.length, (members) => this.#call(members))
    let open = this.#members.length
    const pass = async (member: M): Promise<void> => {
      let joined = false
      let outcome: { error: unknown } | { results: Result[] }
      try {
        const result = await around(member, () => {
          joined = true
          return gathering.join(member)
        })
        outcome = { results: [result] }
      } catch (error) {
        outcome = { error }
      }
      if (!joined) {
        this.#waitedFor--
        gathering.skip()
      }
      open--
      this.#onSettled([member], outcome, open === 0)
    }
    for (const member of this.#members) void pass(member)
  }

  /** Calls the handler and checks that there is one result for each event. */
  #call(members: readonly M[]): readonly Result[] | Promise<readonly Result[]> {
    const results = this.#handle(
      members.map(({ event }) => event),
      this.#context,
    )
    const expected = members.length
    return isPromise(results) ? results.then((all) => checked(all, expected)) : checked(results, expected)
  }
}

/** Waits until each member has joined or been skipped, then handles those that joined. */
class Gathering<M extends { readonly settled: boolean }, Result> {
  readonly #handle: (members: readonly M[]) => readonly Result[] | Promise<readonly Result[]>
  readonly #joined: { member: M; resolve: (result: Result) => void; reject: (error: unknown) => void }[] = []
  #missing: number

  constructor(size: number, handle: (members: readonly M[]) => readonly Result[] | Promise<readonly Result[]>) {
    this.#missing = size
    this.#handle = handle
  }

  join(member: M): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#joined.push({ member, resolve, reject })
      this.skip()
    })
  }

  skip(): void {
    this.#missing--
    if (this.#missing === 0) void this.#handOver()
  }

  async #handOver(): Promise<void> {
    const waitedFor = this.#joined.filter(({ member }) => !member.settled)
    for (const { member, reject } of this.#joined) if (member.settled) reject(gone())
    if (waitedFor.length === 0) return
    try {
      const results = await this.#handle(waitedFor.map(({ member }) => member))
      for (const [index, { resolve }] of waitedFor.entries()) resolve(results[index] as Result)
    } catch (error) {
      for (const { reject } of waitedFor) reject(error)
    }
  }
}

/** Heard by middleware only: the caller has been told its own reason. */
function gone(): DispatchError {
  return new DispatchError('CLOSED', 'nobody waits for this event any more: it is not handled')
}

function checked<Result>(results: readonly Result[], expected: number): readonly Result[] {
  if (Array.isArray(results) && results.length === expected) return results
  const got = Array.isArray(results) ? `${results.length}` : typeof results
  throw new TypeError(`expected an array of ${expected} results, one for each event of the batch, got ${got}`)
}
