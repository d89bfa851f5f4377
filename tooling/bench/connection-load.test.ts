import { expect, test } from 'vitest'
import { endConnections, holdConnections, PARALLEL } from './connection-load.js'

/** Connections that are numbers; every look at memory costs 1 MiB more, and each open one 10 KiB. */
function connections() {
  const open = new Set<number>()
  const seen = { opened: 0, mostUnderWay: 0, looks: 0 }
  let underWay = 0
  return {
    seen,
    there: open,
    async open() {
      underWay += 1
      seen.mostUnderWay = Math.max(seen.mostUnderWay, underWay)
      await Promise.resolve()
      underWay -= 1
      seen.opened += 1
      open.add(seen.opened)
      return seen.opened
    },
    async end(connection: number) {
      if (!open.delete(connection)) throw new Error(`${connection} was ended twice`)
    },
    async resident() {
      seen.looks += 1
      return open.size * 10_240
    },
  }
}

test('so many are held, opened some at a time; each costs its part of what the memory grew by', async () => {
  const all = connections()
  const { held, kibEach } = await holdConnections(all, 1_000, () => {})
  expect(kibEach).toBe(10)
  expect(new Set(held)).toStrictEqual(all.there)
  expect(held).toHaveLength(1_000)
  expect(all.seen).toStrictEqual({ opened: 1_256, mostUnderWay: PARALLEL, looks: 2 })
})

test('progress is told on the way, and nothing is left in the end', async () => {
  const all = connections()
  const told: string[] = []
  const { held } = await holdConnections(all, 256, (text) => told.push(text))
  await endConnections(all, held, (text) => told.push(text))
  expect([all.there.size, held.length]).toStrictEqual([0, 0])
  expect(told).toStrictEqual(['128 of 256 connections', '256 of 256 connections', '128 left to end', '0 left to end'])
})

test('one that cannot be opened fails the whole', async () => {
  const all = { ...connections(), open: () => Promise.reject(new Error('refused')) }
  await expect(holdConnections(all, 10, () => {})).rejects.toThrow('refused')
})
