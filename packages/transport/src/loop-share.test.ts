import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { LoopShare, LoopUse } from './loop-share.js'

const SHARED = 49_152
const ALONE = 524_288
const nothing = (): void => {}

/** Moves a whole share in each of so many turns. */
async function moveFor(turns: number, share: LoopShare): Promise<void> {
  for (let i = 0; i < turns; i++) {
    share.spend(share.left)
    await turn()
  }
}

test('yields once its bytes are used up, until the loop has got round', async () => {
  let turns = 0
  const share = new LoopShare(new LoopUse(), {}, () => {
    turns += 1
  })
  share.spend(SHARED - 1)
  expect([share.yielding, share.left]).toEqual([false, 1])
  share.spend(100)
  share.spend(100)
  expect([share.yielding, share.left, turns]).toEqual([true, 0, 0])
  await turn()
  expect([share.yielding, share.left, turns]).toEqual([false, SHARED, 1])
})

test('may move more in a turn once nobody else has moved anything for 128 of them, and less as soon as somebody does', async () => {
  const use = new LoopUse()
  const [transfer, other] = [new LoopShare(use, {}, nothing), new LoopShare(use, {}, nothing)]
  await moveFor(127, transfer)
  expect(transfer.left).toBe(SHARED)
  await moveFor(1, transfer)
  expect(transfer.left).toBe(ALONE)
  transfer.spend(SHARED + 1)
  other.spend(1)
  expect([transfer.yielding, transfer.left]).toEqual([false, 1])
  transfer.spend(1)
  expect(transfer.yielding).toBe(true)
})

test('two that both move much never count as alone', async () => {
  const use = new LoopUse()
  const [one, other] = [new LoopShare(use, {}, nothing), new LoopShare(use, {}, nothing)]
  for (let i = 0; i < 200; i++) {
    one.spend(one.left)
    other.spend(other.left)
    await turn()
  }
  expect([one.left, other.left]).toEqual([SHARED, SHARED])
})

test('a stream that moves bytes both ways is alone all the same', async () => {
  const use = new LoopUse()
  const stream = {}
  const [out, back] = [new LoopShare(use, stream, nothing), new LoopShare(use, stream, nothing)]
  for (let i = 0; i < 64; i++) {
    await moveFor(1, out)
    await moveFor(1, back)
  }
  expect([out.left, back.left]).toEqual([ALONE, ALONE])
})
