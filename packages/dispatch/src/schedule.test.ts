import { describe, expect, it } from 'vitest'
import type { Priority } from './priority.js'
import { PriorityQueue, type Waiting } from './priority-queue.js'
import { type LaneLoad, Schedule, type Scheduled } from './schedule.js'

interface Job extends Scheduled<Job> {
  readonly name: string
}

const lane = (concurrency: number, queue = 10): LaneLoad<Job> => ({
  concurrency,
  queue,
  waiting: new PriorityQueue<Job>(),
  running: 0,
})

function job(of: LaneLoad<Job>, priority: number, name = ''): Job {
  const links: Pick<Waiting, 'before' | 'after'> = { before: undefined, after: undefined }
  return { lane: of, priority: priority as Priority, arrival: 0, name, ...links }
}

const unlimited = () => new Schedule<Job>({ concurrency: Infinity, queuePerPriority: 1 })
const limited = (concurrency: number, queuePerPriority = 10) => new Schedule<Job>({ concurrency, queuePerPriority })

/** Ends a run of each lane given, and tells what starts then. */
function startedAfter(schedule: Schedule<Job>, ...ended: LaneLoad<Job>[]): string[] {
  for (const of of ended) schedule.leave(of)
  const started: string[] = []
  for (let next = schedule.next(); next !== undefined; next = schedule.next()) started.push(next.name)
  return started
}

describe('Schedule without a total limit', () => {
  it('starts as many of a lane as it has places, lets its queue wait, and refuses what is beyond', () => {
    const schedule = unlimited()
    const of = lane(2, 1)
    expect([1, 2, 3, 4].map(() => schedule.enter(job(of, 3)))).toEqual(['start', 'start', 'wait', 'laneFull'])
    expect([of.running, of.waiting.size, schedule.running]).toEqual([2, 1, 2])
    expect(schedule.next()).toBeUndefined()
  })

  it('has no limit on a class', () => {
    const schedule = unlimited()
    const of = lane(1)
    expect([1, 2, 3].map(() => schedule.enter(job(of, 3)))).toEqual(['start', 'wait', 'wait'])
  })

  it('gives a free place of a lane to the lowest class, then to who came first', () => {
    const schedule = unlimited()
    const of = lane(1)
    schedule.enter(job(of, 3))
    for (const [priority, name] of [
      [5, 'a'],
      [1, 'b'],
      [1, 'c'],
    ] as const)
      schedule.enter(job(of, priority, name))
    expect(startedAfter(schedule, of)).toEqual(['b'])
    expect(startedAfter(schedule, of)).toEqual(['c'])
    expect(startedAfter(schedule, of)).toEqual(['a'])
    expect(startedAfter(schedule, of)).toEqual([])
    expect(of.running).toBe(0)
  })

  it('lets nothing overtake what waits in its own lane, and starts other lanes meanwhile', () => {
    const schedule = unlimited()
    const [of, other] = [lane(1), lane(1, 0)]
    schedule.enter(job(of, 3))
    schedule.enter(job(of, 3, 'first'))
    schedule.leave(of)
    expect(schedule.enter(job(of, 0, 'second'))).toBe('wait')
    expect(schedule.enter(job(other, 7))).toBe('start')
  })
})

describe('Schedule with a total limit', () => {
  it('never starts more in total, whatever the lanes allow', () => {
    const schedule = limited(2)
    const lanes = [lane(5), lane(5), lane(5)]
    expect(lanes.map((of) => schedule.enter(job(of, 3)))).toEqual(['start', 'start', 'wait'])
    expect(schedule.next()).toBeUndefined()
    expect(schedule.running).toBe(2)
  })

  it('starts the lowest class of all lanes first, then who came first', () => {
    const schedule = limited(1)
    const [busy, one, two] = [lane(9), lane(9), lane(9)]
    schedule.enter(job(busy, 3))
    schedule.enter(job(one, 7, 'search'))
    schedule.enter(job(two, 5, 'gossip 1'))
    schedule.enter(job(one, 5, 'gossip 2'))
    schedule.enter(job(two, 0, 'reply'))
    expect(startedAfter(schedule, busy)).toEqual(['reply'])
    expect(startedAfter(schedule, two)).toEqual(['gossip 1'])
    expect(startedAfter(schedule, two)).toEqual(['gossip 2'])
    expect(startedAfter(schedule, one)).toEqual(['search'])
  })

  it('passes over a lane without a free place, and comes back to it', () => {
    const schedule = limited(2)
    const [narrow, wide] = [lane(1), lane(9)]
    schedule.enter(job(narrow, 0))
    schedule.enter(job(wide, 7))
    schedule.enter(job(narrow, 0, 'narrow'))
    schedule.enter(job(wide, 7, 'wide'))
    expect(startedAfter(schedule, wide)).toEqual(['wide'])
    expect(startedAfter(schedule, narrow)).toEqual(['narrow'])
  })

  it('lets no newcomer overtake what waits for a place in total', () => {
    const schedule = limited(1)
    const [busy, one, two] = [lane(1), lane(1), lane(1)]
    schedule.enter(job(busy, 3))
    schedule.enter(job(one, 3, 'first'))
    schedule.leave(busy)
    expect(schedule.enter(job(two, 3, 'second'))).toBe('wait')
    expect(startedAfter(schedule)).toEqual(['first'])
    expect(startedAfter(schedule, one)).toEqual(['second'])
  })

  it('refuses a newcomer whose class is full, over all lanes, and no other class', () => {
    const schedule = limited(1, 2)
    const [one, two] = [lane(9), lane(9)]
    schedule.enter(job(one, 3))
    expect([one, two, one].map((of) => schedule.enter(job(of, 6, 'store')))).toEqual(['wait', 'wait', 'classFull'])
    expect(schedule.enter(job(one, 0, 'reply'))).toBe('wait')
    expect(startedAfter(schedule, one)).toEqual(['reply'])
    expect(startedAfter(schedule, one)).toEqual(['store'])
    expect(schedule.enter(job(one, 6))).toBe('wait') // a place in the class is free again
    expect(schedule.enter(job(one, 6))).toBe('classFull')
  })

  it('counts against the queue of its lane what waits for a place in total', () => {
    const schedule = limited(1)
    const [busy, of, none] = [lane(1), lane(1, 1), lane(1, 0)]
    schedule.enter(job(busy, 3))
    expect([of, of, none].map((entered) => schedule.enter(job(entered, 3)))).toEqual(['wait', 'laneFull', 'laneFull'])
  })

  it('never starts what was removed, and frees its place in lane and class', () => {
    const schedule = limited(1, 1)
    const of = lane(9, 1)
    schedule.enter(job(of, 3))
    const gone = job(of, 3, 'gone')
    expect(schedule.enter(gone)).toBe('wait')
    expect(schedule.remove(gone)).toBe(true)
    expect(schedule.remove(gone)).toBe(false)
    expect(schedule.enter(job(of, 3, 'next'))).toBe('wait')
    expect(startedAfter(schedule, of)).toEqual(['next'])
  })

  it('lets jobs of a lane join a place that is taken', () => {
    const schedule = limited(1, 2)
    const [of, other] = [lane(1), lane(1)]
    schedule.enter(job(of, 3))
    schedule.enter(job(of, 3, 'b'))
    schedule.enter(job(of, 2, 'a'))
    schedule.enter(job(other, 0, 'other'))
    expect([schedule.join(of)?.name, schedule.join(of)?.name, schedule.join(of)]).toEqual(['a', 'b', undefined])
    expect([of.running, schedule.running]).toEqual([1, 1])
    expect(startedAfter(schedule, of)).toEqual(['other'])
  })
})
