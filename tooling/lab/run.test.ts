/** The runner finds what a scenario, or what it plays with, does wrong; and the same seed gives the same run. */
import { describe, expect, it } from 'vitest'
import type { Lab } from './lab.js'
import { type RunResult, runScenario } from './run.js'

const play = (run: (lab: Lab) => Promise<void>, seed = '1', wallLimitMs?: number): Promise<RunResult> =>
  runScenario(
    { kind: 'scenario', name: 'test', summary: '', options: {}, run },
    { seed, options: {}, ...(wallLimitMs === undefined ? {} : { wallLimitMs }) },
  )

const failed = ({ failures }: RunResult): string[] => failures.map(({ check }) => check)

async function talk(lab: Lab): Promise<void> {
  const anna = await lab.peer({ name: 'anna' })
  const ben = await lab.peer({ name: 'ben' })
  await lab.until('they meet', () => anna.life?.stateOf(ben.id) === 'online', 10_000)
  await anna.ready?.send(ben)
  await ben.ready?.request(anna)
}

describe('runScenario', () => {
  it('passes for two peers that talk, and leaves nothing behind', async () => {
    const result = await play(talk)
    expect(result.failures).toEqual([])
    expect(result.pass).toBe(true)
  })

  it('gives the same hash for the same seed, another for another', async () => {
    const [one, again, other] = [await play(talk, 'a'), await play(talk, 'a'), await play(talk, 'b')]
    expect(again.hash).toBe(one.hash)
    expect(other.hash).not.toBe(one.hash)
  })

  it('fails with the log before it when a check does not hold', async () => {
    const result = await play(async (lab) => {
      lab.note('something happened')
      await lab.sleep(7)
      lab.check('the sky is green', false, 'blue')
    })
    expect(result.failures).toMatchObject([{ check: 'the sky is green', at: 7, details: 'blue' }])
    expect(result.failures[0]?.log).toMatchObject([{ at: 0, text: 'something happened' }])
  })

  it('fails when a figure misses its bar', async () => {
    const result = await play(async (lab) => lab.figure('p99_ms', 2, { atMost: 1 }))
    expect(failed(result)).toEqual(['a figure misses its bar'])
  })

  it('fails when the scenario throws', async () => {
    const result = await play(() => Promise.reject(new Error('broken')))
    expect(failed(result)).toEqual(['the scenario ends without an error'])
  })

  it('fails when nothing is scheduled that could go on', async () => {
    const result = await play(() => new Promise(() => {}))
    expect(failed(result)).toEqual(['the scenario comes to an end'])
  })

  it('fails when timers fire for ever', async () => {
    const forever = async (lab: Lab): Promise<void> => {
      for (;;) await lab.sleep(1)
    }
    const result = await play(forever, '1', 50)
    expect(failed(result)).toContain('the scenario comes to an end')
  })

  it('fails when a timer is left behind', async () => {
    const result = await play(async (lab) => void lab.clock.setTimeout(() => {}, 3_600_000))
    expect(failed(result)).toEqual(['nothing is left behind'])
  })

  it('fails when a start never comes to its end, so that nobody closes that peer', async () => {
    const result = await play(async (lab) => {
      const machine = lab.machine()
      void machine.start()
      lab.network.crash(machine.host)
    })
    expect(failed(result)).toEqual(['every peer is closed in the end'])
  })

  it('fails when a socket is left open', async () => {
    const result = await play(async (lab) => {
      const anna = await lab.peer()
      anna.life?.open.socket({ close: async () => {} })
    })
    expect(failed(result)).toEqual(['a closed peer leaves no stream and no socket'])
  })

  it('holds the history against the rules', async () => {
    const result = await play(async (lab) => {
      await talk(lab)
      const [first] = lab.recorder.history.stored
      if (first !== undefined) lab.recorder.stored(first)
    })
    expect(failed(result)).toContain('nothing is stored twice in a life')
  })
})
