import { expect, test } from 'vitest'
import { Lanes } from './lanes.js'

function gate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => {}
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

test('tasks of one lane run one after the other, and another lane is not held up', async () => {
  const lanes = new Lanes({ width: 1, perLane: 10, total: 10 })
  const log: string[] = []
  const first = gate()
  lanes.enter('a', async () => {
    log.push('a1')
    await first.promise
  })
  lanes.enter('a', async () => void log.push('a2'))
  lanes.enter('b', async () => void log.push('b1'))
  expect(log).toEqual(['a1', 'b1'])
  first.open()
  await lanes.idle()
  expect(log).toEqual(['a1', 'b1', 'a2'])
})

test('as many run at a time as the lane is wide', async () => {
  const lanes = new Lanes({ width: 2, perLane: 10, total: 10 })
  const doors = [gate(), gate(), gate()]
  const started: number[] = []
  doors.forEach((door, index) => {
    lanes.enter('a', () => {
      started.push(index)
      return door.promise
    })
  })
  expect(started).toEqual([0, 1])
  doors[1]?.open()
  await doors[1]?.promise
  await new Promise((resolve) => setImmediate(resolve))
  expect(started).toEqual([0, 1, 2])
  for (const door of doors) door.open()
  await lanes.idle()
})

test('a full lane takes no more, nor do full lanes together; who leaves makes room and is never run', async () => {
  const lanes = new Lanes({ width: 1, perLane: 1, total: 2 })
  const door = gate()
  const ran: string[] = []
  const task = (name: string) => async () => {
    ran.push(name)
    await door.promise
  }
  for (const key of ['a', 'b', 'c']) expect(lanes.enter(key, task(`${key}1`))?.leave()).toBe(false)
  const place = lanes.enter('a', task('a2'))
  expect(lanes.hasRoom('a')).toBe(false)
  expect(lanes.enter('a', task('a3'))).toBeUndefined()
  lanes.enter('b', task('b2'))
  expect(lanes.enter('c', task('c2'))).toBeUndefined()
  expect(place?.leave()).toBe(true)
  expect(place?.leave()).toBe(false)
  lanes.enter('c', task('c3'))
  door.open()
  await lanes.idle()
  expect(ran).toEqual(['a1', 'b1', 'c1', 'b2', 'c3'])
})

test('what is held takes up a place of its lane alone, until it settles, however that is', async () => {
  const lanes = new Lanes({ width: 1, perLane: 10, total: 10 })
  const held = gate()
  const log: string[] = []
  const running = gate()
  lanes.enter('a', () => running.promise)
  lanes.hold(
    'a',
    held.promise.then(() => Promise.reject(new Error('failed'))),
  )
  lanes.enter('a', async () => void log.push('a'))
  lanes.enter('b', async () => void log.push('b'))
  running.open()
  await new Promise((resolve) => setImmediate(resolve))
  expect(log).toEqual(['b'])
  held.open()
  await lanes.idle()
  expect(log).toEqual(['b', 'a'])
})
