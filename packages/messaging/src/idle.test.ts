import { expect, test } from 'vitest'
import { Idle } from './idle.js'

test('whoever waits is called when the last of all that is under way has ended', async () => {
  const idle = new Idle()
  await idle.wait()
  idle.enter()
  idle.enter()
  const seen: string[] = []
  const waiting = [idle.wait().then(() => seen.push('a')), idle.wait().then(() => seen.push('b'))]
  idle.leave()
  await new Promise(setImmediate)
  expect([idle.count, seen]).toEqual([1, []])
  idle.leave()
  await Promise.all(waiting)
  expect([idle.count, seen]).toEqual([0, ['a', 'b']])
  await idle.wait()
  idle.enter()
  let again = false
  const next = idle.wait().then(() => {
    again = true
  })
  await new Promise(setImmediate)
  expect(again).toBe(false)
  idle.leave()
  await next
})
