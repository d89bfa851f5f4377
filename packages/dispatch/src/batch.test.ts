import { describe, expect, it } from 'vitest'
import { Batch, type OnSettled } from './batch.js'
import type { BatchHandler } from './handler.js'

interface Member {
  readonly event: number
  settled: boolean
}

const members = (...events: number[]): Member[] => events.map((event) => ({ event, settled: false }))
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A batch, and what it has told so far: events, error or results, whether it is over. */
function create(list: Member[], handle: BatchHandler<number, string>) {
  const told: [events: number[], outcome: unknown, over: boolean][] = []
  const onSettled: OnSettled<Member, string> = (settled, outcome, over) => {
    for (const member of settled) member.settled = true
    told.push([settled.map(({ event }) => event), 'error' in outcome ? outcome.error : outcome.results, over])
  }
  return { batch: new Batch<number, string, Member>(list, handle, onSettled), told }
}

const texts: BatchHandler<number, string> = (events) => events.map(String)
const error = (text: string): unknown => expect.objectContaining({ message: expect.stringContaining(text) as unknown })

describe('Batch.run', () => {
  it('hands all over together, and tells at once when the handler is synchronous', () => {
    const { batch, told } = create(members(1, 2, 3), texts)
    batch.run()
    expect(told).toEqual([[[1, 2, 3], ['1', '2', '3'], true]])
  })

  it('waits for a promise', async () => {
    const { batch, told } = create(members(1, 2), async (events) => events.map(String))
    batch.run()
    expect(told).toEqual([])
    await tick()
    expect(told).toEqual([[[1, 2], ['1', '2'], true]])
  })

  it.each<[string, BatchHandler<number, string>, string]>([
    ['too few', () => ['1'], 'array of 2 results, one for each event of the batch, got 1'],
    ['too many', async () => ['1', '2', '3'], 'array of 2 results, one for each event of the batch, got 3'],
    ['nothing', () => undefined as never, 'got undefined'],
    ['a text as long', async () => '12' as never, 'got string'],
    ['as many as are left of an array that it emptied', (events) => events.splice(0).slice(2).map(String), 'got 0'],
  ])('rejects all when the results are %s', async (_, handle, text) => {
    const { batch, told } = create(members(1, 2), handle)
    batch.run()
    await tick()
    expect(told).toEqual([[[1, 2], error(text), true]])
  })

  it.each<[string, BatchHandler<number, string>]>([
    [
      'throws',
      () => {
        throw new Error('no disk')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no disk'))],
  ])('rejects all when the handler %s', async (_, handle) => {
    const { batch, told } = create(members(1, 2), handle)
    batch.run()
    await tick()
    expect(told).toEqual([[[1, 2], error('no disk'), true]])
  })

  it('aborts its signal when the last of them is given up', () => {
    let signal: AbortSignal | undefined
    const { batch } = create(members(1, 2), (_, context) => {
      signal = context.signal
      return new Promise(() => {})
    })
    batch.run()
    batch.giveUp('first')
    expect(signal?.aborted).toBe(false)
    batch.giveUp('second')
    expect(signal?.reason).toBe('second')
  })
})

describe('Batch.runAround', () => {
  it('hands over those that come to next, together, and settles the others on their own', async () => {
    const handed: number[][] = []
    const { batch, told } = create(members(1, 2, 3, 4), (events) => {
      handed.push([...events])
      return events.map(String)
    })
    batch.runAround(async ({ event }, innermost) => {
      if (event === 1) return 'cached'
      if (event === 3) throw new Error('refused')
      return `<${await innermost()}>`
    })
    await tick()
    expect(handed).toEqual([[2, 4]])
    expect(told).toEqual([
      [[1], ['cached'], false],
      [[3], error('refused'), false],
      [[2], ['<2>'], false],
      [[4], ['<4>'], true],
    ])
  })

  it('waits for the slowest to come, and leaves out whose caller has gone meanwhile', async () => {
    const list = members(1, 2, 3)
    const handed: number[][] = []
    const { batch, told } = create(list, (events) => {
      handed.push([...events])
      return events.map(String)
    })
    let open: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    batch.runAround(async ({ event }, innermost) => {
      if (event === 3) await gate
      return innermost()
    })
    await tick()
    expect(handed).toEqual([])
    ;(list[0] as Member).settled = true
    open()
    await tick()
    expect(handed).toEqual([[2, 3]])
    expect(told.map(([events, , over]) => [events, over]).toSorted()).toEqual([
      [[1], false],
      [[2], false],
      [[3], true],
    ])
  })

  it('calls no handler when nobody comes to next, and rejects all that came when it fails', async () => {
    const none = create(members(1, 2), () => {
      throw new Error('must not be called')
    })
    none.batch.runAround(() => 'cached')
    const failing = create(members(1, 2), () => ['only one'])
    failing.batch.runAround((_, innermost) => innermost())
    await tick()
    expect(none.told).toEqual([
      [[1], ['cached'], false],
      [[2], ['cached'], true],
    ])
    expect(failing.told).toEqual([
      [[1], error('got 1'), false],
      [[2], error('got 1'), true],
    ])
  })
})
