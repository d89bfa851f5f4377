import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { LoopShare } from './loop-share.js'

const SHARE = 524_288

test('yields once its bytes are used up, until the loop has got round', async () => {
  let turns = 0
  const share = new LoopShare(() => {
    turns += 1
  })
  share.spend(SHARE - 1)
  expect([share.yielding, share.left]).toEqual([false, 1])
  share.spend(100)
  share.spend(100)
  expect([share.yielding, share.left, turns]).toEqual([true, 0, 0])
  await turn()
  expect([share.yielding, share.left, turns]).toEqual([false, SHARE, 1])
})
