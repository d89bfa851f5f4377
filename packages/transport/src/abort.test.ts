import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { untilAborted, whenAborted } from './abort.js'

test('one listener for all who wait for a signal, and none when nobody does', async () => {
  const { signal } = new AbortController()
  const leave = Array.from({ length: 100 }, () => whenAborted(signal, () => expect.fail('it does not abort')))
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  for (const one of leave) one()
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  await untilAborted(Promise.resolve(1), signal)
  expect(getEventListeners(signal, 'abort')).toHaveLength(0)
})

test('each is called once, in order, but for those who have left', () => {
  const abort = new AbortController()
  const called: string[] = []
  const twice = (): void => void called.push('twice')
  whenAborted(abort.signal, twice)
  whenAborted(abort.signal, () => called.push('leaves'))()
  whenAborted(abort.signal, twice)
  whenAborted(undefined, () => called.push('no signal'))()
  abort.abort()
  abort.abort()
  expect(called).toEqual(['twice', 'twice'])
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
})

test('one that leaves while others are called is not called', () => {
  const abort = new AbortController()
  const called: number[] = []
  let leaveSecond = (): void => {}
  whenAborted(abort.signal, () => {
    called.push(1)
    leaveSecond()
  })
  leaveSecond = whenAborted(abort.signal, () => called.push(2))
  abort.abort()
  expect(called).toEqual([1])
})
