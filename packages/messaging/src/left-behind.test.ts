import { expect, test } from 'vitest'
import { LeftBehind } from './left-behind.js'

const never = new Promise(() => {})

test('half of the limit is for one peer, and the whole for all', () => {
  const left = new LeftBehind(4)
  expect(['a', 'a', 'a', 'b', 'c', 'd'].map((peer) => left.add(peer, never))).toEqual([
    true,
    true,
    false,
    true,
    true,
    false,
  ])
})

test('a call that settles, however, makes room again', async () => {
  const left = new LeftBehind(2)
  expect(left.add('a', Promise.resolve())).toBe(true)
  expect(left.add('b', Promise.reject(new Error('failed')))).toBe(true)
  expect(left.add('c', never)).toBe(false)
  await new Promise((resolve) => setImmediate(resolve))
  expect(['a', 'b'].map((peer) => left.add(peer, never))).toEqual([true, true])
})
