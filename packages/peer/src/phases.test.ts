import { VirtualClock } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { type PhaseReport, Phases } from './phases.js'

function setUp(names: string[], signal?: AbortSignal): { phases: Phases; clock: VirtualClock; reports: PhaseReport[] } {
  const clock = new VirtualClock()
  const reports: PhaseReport[] = []
  const phases = new Phases(clock, names, (report) => reports.push(report), signal)
  return { phases, clock, reports }
}

describe('Phases', () => {
  it('reports what waits, runs and is done, with times', async () => {
    const { phases, clock, reports } = setUp(['one', 'two'])
    expect(phases.reports().map(({ state }) => state)).toEqual(['waiting', 'waiting'])
    const running = phases.run('one', () => new Promise<void>((resolve) => clock.setTimeout(resolve, 40)))
    await clock.advance(40)
    await running
    expect(reports.map(({ name, state, ms }) => [name, state, ms])).toEqual([
      ['one', 'running', undefined],
      ['one', 'done', 40],
    ])
  })

  it('says how long a phase took that began late, and whether the start waited for it', async () => {
    const { phases, clock, reports } = setUp(['one', 'two'])
    await clock.advance(1_000)
    const slow = <T>(value: T): Promise<T> => new Promise((resolve) => clock.setTimeout(() => resolve(value), 5))
    const one = phases.run('one', () => slow(1))
    await clock.advance(5)
    await one
    phases.runBehind('two', () => slow(2).then(() => Promise.reject(new Error('no'))))
    await clock.advance(5)
    await phases.stop()
    expect(reports).toEqual([
      { name: 'one', blocking: true, state: 'running' },
      { name: 'one', blocking: true, state: 'done', ms: 5 },
      { name: 'two', blocking: false, state: 'running' },
      { name: 'two', blocking: false, state: 'failed', ms: 5, error: 'no' },
    ])
  })

  it('stops in reverse order, once, and goes on when a part fails to stop', async () => {
    const { phases } = setUp(['one', 'two', 'three'])
    const stopped: string[] = []
    await phases.run(
      'one',
      () => 1,
      () => void stopped.push('one'),
    )
    await phases.run(
      'two',
      () => 2,
      () => {
        throw new Error('two is stuck')
      },
    )
    await phases.run(
      'three',
      () => 3,
      () => void stopped.push('three'),
    )
    await expect(phases.stop()).rejects.toThrow('two is stuck')
    await expect(phases.stop()).rejects.toThrow('two is stuck')
    expect(stopped).toEqual(['three', 'one'])
  })

  it('names the phase that failed, with its cause', async () => {
    const { phases } = setUp(['listen'])
    const cause = new Error('port taken')
    await expect(phases.run('listen', () => Promise.reject(cause))).rejects.toMatchObject({
      code: 'START_FAILED',
      phase: 'listen',
      cause,
      message: expect.stringContaining('port taken') as string,
    })
    expect(phases.reports()[0]).toMatchObject({ state: 'failed', error: 'port taken' })
  })

  it('reports a phase behind that fails, without failing itself', async () => {
    const { phases } = setUp(['discovery'])
    phases.runBehind('discovery', () => Promise.reject(new Error('no multicast')))
    await phases.stop()
    expect(phases.reports()[0]).toMatchObject({ blocking: false, state: 'failed', error: 'no multicast' })
  })

  it('stops a part behind that was still starting', async () => {
    const { phases, clock } = setUp(['discovery'])
    let stopped = false
    phases.runBehind(
      'discovery',
      () => new Promise<void>((resolve) => clock.setTimeout(resolve, 10)),
      () => {
        stopped = true
      },
    )
    const stopping = phases.stop()
    await clock.advance(10)
    await stopping
    expect(stopped).toBe(true)
  })

  it('ends with the reason of the signal', async () => {
    const reason = new Error('not today')
    const { phases } = setUp(['one'], AbortSignal.abort(reason))
    await expect(phases.run('one', () => 1)).rejects.toBe(reason)
  })

  it('starts nothing after stop', async () => {
    const { phases } = setUp(['one'])
    await phases.stop()
    await expect(phases.run('one', () => 1)).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
