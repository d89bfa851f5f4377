import { expect, test } from 'vitest'
import { Lock } from './lock.js'

test('one holds it, the others come in their order', async () => {
  const lock = new Lock()
  const order: string[] = []
  const enter = async (name: string): Promise<() => void> => {
    const leave = await lock.acquire()
    order.push(name)
    return leave
  }
  const first = await enter('a')
  const [second, third] = [enter('b'), enter('c')]
  await Promise.resolve()
  expect([order, lock.held]).toEqual([['a'], true])
  first()
  first()
  const leaveSecond = await second
  // Somebody who comes while it is passed on does not come first.
  const fourth = enter('d')
  leaveSecond()
  ;(await third)()
  ;(await fourth)()
  expect([order, lock.held]).toEqual([['a', 'b', 'c', 'd'], false])
})

test('who leaves by a signal leaves the line as it is', async () => {
  const lock = new Lock()
  const leave = await lock.acquire()
  const controller = new AbortController()
  const leaving = lock.acquire(controller.signal)
  const staying = lock.acquire()
  controller.abort(new Error('enough'))
  await expect(leaving).rejects.toThrow('enough')
  await expect(lock.acquire(controller.signal)).rejects.toThrow('enough')
  leave()
  ;(await staying)()
  expect(lock.held).toBe(false)
})

test('the line is bounded', async () => {
  const lock = new Lock()
  await lock.acquire()
  for (let count = 0; count < 1_024; count += 1) void lock.acquire()
  await expect(lock.acquire()).rejects.toMatchObject({ code: 'RESOURCE_BUSY', retryable: true })
})
