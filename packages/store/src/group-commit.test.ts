import { expect, it } from 'vitest'
import type { StoreChange } from './backend.js'
import { GroupCommit } from './group-commit.js'
import { MERGED_BYTES, MERGED_CHANGES } from './limits.js'

const LIMITS = { maxWaitingWrites: 1_000, maxWaitingBytes: 100_000_000 }

/** A disk that ends each batch when the test says so. */
class Disk {
  readonly batches: string[][] = []
  #end: { resolve: () => void; reject: (error: Error) => void } | undefined
  underWay = 0
  mostUnderWay = 0

  commit = (changes: readonly StoreChange[]): Promise<void> => {
    this.batches.push(changes.map((change) => Buffer.from(change.key).toString()))
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay)
    return new Promise((resolve, reject) => {
      this.#end = { resolve, reject }
    })
  }

  async end(error?: Error): Promise<void> {
    this.underWay--
    if (error === undefined) this.#end?.resolve()
    else this.#end?.reject(error)
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await null
}

function changes(...keys: string[]): StoreChange[] {
  return keys.map((key) => ({ type: 'delete', key: Buffer.from(key) }))
}

function outcomes(promises: readonly Promise<void>[]): string[] {
  const seen = promises.map(() => 'waits')
  promises.forEach((promise, index) => {
    promise.then(
      () => (seen[index] = 'done'),
      (error: Error) => (seen[index] = error.message),
    )
  })
  return seen
}

it('has one batch under way and merges what comes meanwhile, in order', async () => {
  const disk = new Disk()
  const writes = new GroupCommit(disk.commit, LIMITS)
  const first = [writes.add(changes('a', 'b'), 2, undefined), writes.add(changes('c'), 1, undefined)]
  await settle()
  const second = ['d', 'e', 'f'].map((key) => writes.add(changes(key), 1, undefined))
  const seen = outcomes([...first, ...second])
  await settle()
  expect(disk.batches).toEqual([['a', 'b', 'c']])
  expect(seen).toEqual(['waits', 'waits', 'waits', 'waits', 'waits'])
  await disk.end()
  expect(seen).toEqual(['done', 'done', 'waits', 'waits', 'waits'])
  expect(disk.batches).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e', 'f'],
  ])
  await disk.end()
  await writes.drained()
  expect(seen).toEqual(['done', 'done', 'done', 'done', 'done'])
  expect(disk.mostUnderWay).toBe(1)
})

it('fails exactly the writes of a batch that failed, and goes on with the next', async () => {
  const disk = new Disk()
  const writes = new GroupCommit(disk.commit, LIMITS)
  const first = [writes.add(changes('a'), 1, undefined), writes.add(changes('b'), 1, undefined)]
  await settle()
  const seen = outcomes([...first, writes.add(changes('c'), 1, undefined)])
  await disk.end(new Error('no space'))
  await disk.end()
  expect(seen).toEqual(['no space', 'no space', 'done'])
  const later = outcomes([writes.add(changes('d'), 1, undefined)])
  await settle()
  await disk.end()
  expect(later).toEqual(['done'])
})

it('starts a new batch where one would become too large', async () => {
  const disk = new Disk()
  const writes = new GroupCommit(disk.commit, LIMITS)
  const half = MERGED_BYTES / 2
  const seen = outcomes(
    [half, half, 1, MERGED_BYTES * 2, 1].map((bytes, n) => writes.add(changes(`${n}`), bytes, undefined)),
  )
  await settle()
  for (let n = 0; n < 4; n++) await disk.end()
  expect(disk.batches).toEqual([['0', '1'], ['2'], ['3'], ['4']])
  expect(seen).toEqual(['done', 'done', 'done', 'done', 'done'])
})

it('gives up a waiting write when its signal says so, and never one whose batch has begun', async () => {
  const disk = new Disk()
  const writes = new GroupCommit(disk.commit, LIMITS)
  const controller = new AbortController()
  const begun = writes.add(changes('a'), 1, controller.signal)
  await settle()
  const waiting = writes.add(changes('b'), 1, controller.signal)
  const seen = outcomes([begun, waiting, writes.add(changes('c'), 1, undefined)])
  controller.abort(new Error('stop'))
  await settle()
  expect(seen).toEqual(['waits', 'stop', 'waits'])
  await disk.end()
  await disk.end()
  expect(seen).toEqual(['done', 'stop', 'done'])
  expect(disk.batches).toEqual([['a'], ['c']])
})

it('makes room when a write is given up', async () => {
  const disk = new Disk()
  const writes = new GroupCommit(disk.commit, { maxWaitingWrites: 10, maxWaitingBytes: 10 })
  const controller = new AbortController()
  const first = writes.add(changes('a'), 9, controller.signal)
  const second = writes.add(changes('b'), 9, undefined)
  controller.abort(new Error('stop'))
  await expect(second).rejects.toMatchObject({ code: 'STORE_BUSY', retryable: true })
  await expect(first).rejects.toThrow('stop')
  const seen = outcomes([writes.add(changes('c'), 9, undefined)])
  await settle()
  await disk.end()
  expect(seen).toEqual(['done'])
})

it('starts a new batch where one would have too many changes', async () => {
  const disk = new Disk()
  const writes = new GroupCommit(disk.commit, LIMITS)
  const half = Array.from({ length: MERGED_CHANGES / 2 }, () => 'x')
  outcomes(
    [half, half, ['y'], [...half, ...half, 'z'], ['w']].map((keys) => writes.add(changes(...keys), 1, undefined)),
  )
  await settle()
  for (let n = 0; n < 4; n++) await disk.end()
  expect(disk.batches.map((batch) => batch.length)).toEqual([MERGED_CHANGES, 1, MERGED_CHANGES + 1, 1])
})

it.each([
  ['writes', { maxWaitingWrites: 2, maxWaitingBytes: 100 }, [1, 1], 1],
  ['bytes', { maxWaitingWrites: 100, maxWaitingBytes: 10 }, [6, 4], 1],
])('lets wait what its limit of %s says, to the last', async (_what, limits, sizes, more) => {
  const disk = new Disk()
  const writes = new GroupCommit(disk.commit, limits)
  const seen = outcomes(sizes.map((bytes) => writes.add(changes('a'), bytes, undefined)))
  await expect(writes.add(changes('b'), more, undefined)).rejects.toMatchObject({ code: 'STORE_BUSY' })
  await settle()
  await disk.end()
  expect(seen).toEqual(['done', 'done'])
})

it('takes one write of any size, and none whose signal is aborted', async () => {
  const disk = new Disk()
  const writes = new GroupCommit(disk.commit, { maxWaitingWrites: 1, maxWaitingBytes: 10 })
  await expect(writes.add(changes('a'), 1, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
  const seen = outcomes([writes.add(changes('b'), 11, undefined)])
  await settle()
  await disk.end()
  expect([seen, disk.batches]).toEqual([['done'], [['b']]])
  await writes.drained()
})
