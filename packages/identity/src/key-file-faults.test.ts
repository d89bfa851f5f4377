import { type link, mkdtemp, type open, readdir, rm, type unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'

// The real file system with a recorder in front, and one operation that can be made to fail.
const disk = vi.hoisted(() => ({
  log: [] as string[],
  fail: undefined as { operation: string; code: string } | undefined,
}))

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>()
  const note = (operation: string) => {
    disk.log.push(operation)
    if (disk.fail?.operation === operation) throw Object.assign(new Error('injected'), { code: disk.fail.code })
  }
  const nameOf = (path: unknown) => basename(String(path)).replace(/\.[0-9a-f]{12}\.tmp$/, '.tmp')
  return {
    ...real,
    async open(...args: Parameters<typeof open>) {
      const name = nameOf(args[0])
      note(`open ${name}`)
      const handle = await real.open(...args)
      const { writeFile, sync } = handle
      handle.writeFile = async (...rest: Parameters<typeof writeFile>) => {
        note(`write ${name}`)
        return await writeFile.apply(handle, rest)
      }
      handle.sync = async () => {
        note(`sync ${name}`)
        await sync.apply(handle)
      }
      return handle
    },
    async link(...args: Parameters<typeof link>) {
      note(`link ${nameOf(args[0])} ${nameOf(args[1])}`)
      await real.link(...args)
    },
    async unlink(...args: Parameters<typeof unlink>) {
      note(`unlink ${nameOf(args[0])}`)
      await real.unlink(...args)
    },
  }
})

// Test files share their process: others may have loaded it with the real file system, or will want to.
vi.resetModules()
const { openIdentity } = await import('./key-file.js')
afterAll(() => vi.resetModules())

const posix = process.platform !== 'win32'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pc-identity-'))
  disk.log.length = 0
  disk.fail = undefined
})

afterEach(() => rm(folder, { recursive: true }))

test.runIf(posix)('the key is on the disk before it has its name, and its name before the call ends', async () => {
  await openIdentity(join(folder, 'new', 'key'))
  expect(disk.log).toEqual([
    'open key',
    'open key.tmp',
    'write key.tmp',
    'sync key.tmp',
    'link key.tmp key',
    'unlink key.tmp',
    'open new',
    'sync new',
    `open ${basename(folder)}`,
    `sync ${basename(folder)}`,
    'open key',
  ])
})

test.each([
  ['write key.tmp', 'ENOSPC'],
  ['sync key.tmp', 'EIO'],
  ['link key.tmp key', 'EPERM'],
])('a failing "%s" leaves nothing behind', async (operation, code) => {
  disk.fail = { operation, code }
  await expect(openIdentity(join(folder, 'key'))).rejects.toMatchObject({
    code: 'KEY_UNWRITABLE',
    message: expect.stringContaining(code),
    cause: { code },
  })
  expect(await readdir(folder)).toEqual([])
})

test.runIf(posix)('a folder that cannot be synced is reported: the key might not survive', async () => {
  disk.fail = { operation: `sync ${basename(folder)}`, code: 'EIO' }
  await expect(openIdentity(join(folder, 'key'))).rejects.toMatchObject({ code: 'KEY_UNWRITABLE' })
})

test('a key file that may not be read is not replaced', async () => {
  await openIdentity(join(folder, 'key'))
  disk.fail = { operation: 'open key', code: 'EACCES' }
  await expect(openIdentity(join(folder, 'key'))).rejects.toMatchObject({
    code: 'KEY_UNREADABLE',
    cause: { code: 'EACCES' },
  })
  expect(await readdir(folder)).toEqual(['key'])
})
