import { afterEach, expect, test } from 'vitest'
import { Contestant } from './contestant.js'

const started: Contestant[] = []
/** What sides said they were at. */
const told: string[] = []
/** Two processes each; seconds on a machine that is busy with other tests. */
const PROCESSES = { timeout: 60_000 }

/** A side's module, written out in its own address. */
function contestantOf(source: string): Contestant {
  const module = `data:text/javascript,${encodeURIComponent(source)}`
  const contestant = new Contestant({
    name: 'ours',
    module,
    folder: '/nowhere',
    fromSource: true,
    connections: 3,
    onProgress: (text) => told.push(text),
  })
  started.push(contestant)
  return contestant
}

const near = (measures: string) => `
  export const far = async ({ folder }) => ({ hello: folder + '/far', close() {} })
  export const near = async ({ hello, folder }) => ({ measures: ${measures}, close() {} })`

afterEach(async () => {
  await Promise.all(started.splice(0).map((contestant) => contestant.kill()))
})

test('both sides run, the near one hears of the far one, and both are collected and ended', PROCESSES, async () => {
  const contestant = contestantOf(
    near('{ a: async ({ ms }) => ({ ms, found: hello.length, exposed: +!!globalThis.gc }) }'),
  )
  await contestant.start()
  expect(contestant.measures).toStrictEqual(['a'])
  expect(await contestant.measure('a', 20)).toStrictEqual({ ms: 20, found: '/nowhere/far'.length, exposed: 1 })
  await contestant.stop()
  await contestant.stop()
  await expect(contestant.measure('a', 20)).rejects.toThrow('ours (near) is not running')
})

test('a side hears how many connections to hold, and says what it is at', PROCESSES, async () => {
  told.length = 0
  const contestant = contestantOf(`
    export const far = async ({ connections }) => ({ hello: connections, close() {} })
    export const near = async ({ hello, connections }) => ({
      measures: { a: async ({ progress }) => (progress('one of two'), progress('two of two'), { hello, connections }) },
      close() {},
    })`)
  await contestant.start()
  expect(await contestant.measure('a', 20)).toStrictEqual({ hello: 3, connections: 3 })
  expect(told).toStrictEqual(['one of two', 'two of two'])
})

test('what a measure throws, and a side that ends, are told with the name of the side', PROCESSES, async () => {
  const contestant = contestantOf(
    near('{ lost: async () => { throw new Error("3 of 4 arrived") }, gone: () => process.exit(9) }'),
  )
  await contestant.start()
  await expect(contestant.measure('lost', 20)).rejects.toThrow(/ours \(near\): Error: 3 of 4 arrived/)
  await expect(contestant.measure('gone', 20)).rejects.toThrow('ours (near): it ended with exit code 9')
})

test('a module without a near side is named', PROCESSES, async () => {
  await expect(contestantOf('export const nothing = 0').start()).rejects.toThrow('to export "near"')
})
