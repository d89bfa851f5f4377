import { type Dispatcher, Priority } from '@pc/dispatch'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDispatcher, settled, type TestEvent } from './_util/dispatcher.js'

const LANES = [
  { header: 'narrow', concurrency: 1, queue: 3 },
  { header: 'wide', concurrency: 3, queue: 6 },
  { header: 'no queue', concurrency: 2, queue: 0 },
  { header: 'at once', concurrency: 1, queue: 4, atOnce: true },
  { header: 'batch', concurrency: 1, queue: 8, maxBatch: 3 },
] as const
type LaneOptions = (typeof LANES)[number]

/** An event of the test, and what has become of it. */
interface Tracked {
  readonly id: number
  readonly lane: LaneOptions
  readonly priority: Priority
  readonly abort: AbortController
  state: 'waiting' | 'running' | 'over'
  settled: number
  told: unknown
}

/** Does to a dispatcher what the steps say, and holds each start against a naive list of what waits. */
class Model {
  readonly dispatcher: Dispatcher<TestEvent, number>
  readonly events: Tracked[] = []
  /** Runs that wait for the test: which events, and how to end them. */
  readonly runs: { readonly ids: readonly number[]; readonly end: (fails: boolean) => void }[] = []
  /** What was wrong inside of a handler, where throwing would only make the handler fail. */
  readonly faults: unknown[] = []
  readonly #limit: number | undefined

  constructor(limit: number | undefined) {
    this.#limit = limit
    this.dispatcher = createDispatcher(limit === undefined ? {} : { concurrency: limit, queuePerPriority: 4 })
    const classify = ({ body }: TestEvent): Priority => this.#at(body).priority
    for (const { header, ...options } of LANES) {
      const all = { access: 'anyone', classify, ...options } as const
      if ('maxBatch' in all) this.dispatcher.registerBatch(header, all, (events) => this.#run(events))
      else if ('atOnce' in all) this.dispatcher.register(header, all, (event) => this.#runAtOnce(event))
      else this.dispatcher.register(header, all, async (event) => (await this.#run([event]))[0] as number)
    }
  }

  offer(lane: LaneOptions, priority: Priority): void {
    const tracked: Tracked = {
      id: this.events.length,
      lane,
      priority,
      abort: new AbortController(),
      state: 'waiting',
      settled: 0,
      told: undefined,
    }
    this.events.push(tracked)
    const settle = (error: unknown, result?: number): void => {
      tracked.settled++
      tracked.told = error ?? result
      if (tracked.state === 'waiting') tracked.state = 'over'
    }
    const event = { peer: 'x' as never, header: lane.header, body: tracked.id }
    this.dispatcher.offer(event, settle, { signal: tracked.abort.signal })
    this.#checkBounds()
  }

  abort(index: number): void {
    const open = this.events.filter(({ state }) => state !== 'over')
    open[index % Math.max(1, open.length)]?.abort.abort('aborted')
  }

  async end(index: number, fails: boolean): Promise<void> {
    const [run] = this.runs.splice(index % Math.max(1, this.runs.length), 1)
    run?.end(fails)
    await settled()
    this.#checkBounds()
  }

  #runAtOnce(event: TestEvent): number {
    const [started] = this.#begin([event])
    if (started !== undefined) started.state = 'over'
    return event.body
  }

  #run(events: TestEvent[]): Promise<number[]> {
    const started = this.#begin(events)
    return new Promise((resolve, reject) => {
      const end = (fails: boolean): void => {
        for (const tracked of started) tracked.state = 'over'
        if (fails) reject(new Error('on purpose'))
        else resolve(started.map(({ id }) => id))
      }
      this.runs.push({ ids: started.map(({ id }) => id), end })
    })
  }

  #begin(events: TestEvent[]): Tracked[] {
    const started = events.map(({ body }) => this.#at(body))
    try {
      this.#checkStart(started)
    } catch (fault) {
      this.faults.push(fault)
    }
    for (const tracked of started) tracked.state = 'running'
    return started
  }

  /** What starts must be the best of what waits for a place that is free. */
  #checkStart(started: Tracked[]): void {
    const { lane } = started[0] as Tracked
    const open = this.events.filter(({ state }) => state === 'waiting')
    const runsOf = (header: string): number =>
      this.runs.filter(({ ids }) => this.#at(ids[0] as number).lane.header === header).length
    const startable = open.filter(({ lane: { header, concurrency } }) => runsOf(header) < concurrency)
    const candidates = this.#limit === undefined ? startable.filter((other) => other.lane === lane) : startable
    expect(started[0]).toBe(candidates.toSorted(order)[0])
    const ofLane = open.filter((other) => other.lane === lane).toSorted(order)
    expect(started).toEqual(ofLane.slice(0, 'maxBatch' in lane ? lane.maxBatch : 1))
  }

  #checkBounds(): void {
    const waiting = this.events.filter(({ state }) => state === 'waiting')
    if (this.#limit !== undefined) {
      expect(this.runs.length).toBeLessThanOrEqual(this.#limit)
      for (const priority of Object.values(Priority)) {
        expect(waiting.filter((other) => other.priority === priority).length).toBeLessThanOrEqual(4)
      }
    }
    for (const { header, concurrency, queue } of LANES) {
      const runs = this.runs.filter(({ ids }) => this.#at(ids[0] as number).lane.header === header)
      expect(runs.length).toBeLessThanOrEqual(concurrency)
      expect(waiting.filter(({ lane }) => lane.header === header).length).toBeLessThanOrEqual(queue)
    }
  }

  #at(id: number): Tracked {
    return this.events[id] as Tracked
  }
}

const order = (a: Tracked, b: Tracked): number => a.priority - b.priority || a.id - b.id

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('offer' as const),
      lane: fc.oneof(fc.constantFrom(...LANES), fc.constant(LANES[4])),
      priority: fc.constantFrom(Priority.OWN_REPLY, Priority.READ, Priority.SEARCH),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('end' as const), index: fc.nat(20), fails: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), index: fc.nat(60) }) },
)

describe('Dispatcher', () => {
  it.each([[undefined], [1], [2], [4]])(
    'property: total concurrency %s: each event settles once, nothing exceeds its limits, the best waiting starts first',
    async (limit) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, abrupt) => {
          const model = new Model(limit)
          for (const one of steps) {
            if (one.do === 'offer') model.offer(one.lane, one.priority)
            else if (one.do === 'abort') model.abort(one.index)
            else await model.end(one.index, one.fails)
          }
          const abort = new AbortController()
          const closing = model.dispatcher.close({ signal: abort.signal })
          if (abrupt) abort.abort('now')
          else while (model.runs.length > 0) await model.end(0, false)
          await closing
          expect(model.faults).toEqual([])
          expect(model.dispatcher.size).toBe(0)
          expect(model.events.map(({ settled: times }) => times)).toEqual(model.events.map(() => 1))
          for (const { id, told } of model.events) {
            const fair = [id, 'aborted', code('HANDLER_FAILED'), code('BUSY'), ...(abrupt ? [code('CLOSED')] : [])]
            expect(fair).toContainEqual(told)
          }
        }),
        { numRuns: 100 },
      )
    },
  )
})

function code(value: string): unknown {
  return expect.objectContaining({ name: 'DispatchError', code: value })
}
