import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makePrivateFolder } from './private-folder.js'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pc-folder-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('makePrivateFolder', () => {
  test('makes what is missing, and tells where it began', async () => {
    const path = join(folder, 'a', 'b', 'c')
    expect(await makePrivateFolder(path)).toBe(join(folder, 'a'))
    expect(await makePrivateFolder(path)).toBeUndefined()
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o700)
  })

  test('several at once: all end, and the folder is there', async () => {
    for (let round = 0; round < 100; round += 1) {
      const path = join(folder, `${round}`, 'a', 'b', 'c')
      await Promise.all(Array.from({ length: 6 }, () => makePrivateFolder(path)))
      expect((await stat(path)).isDirectory()).toBe(true)
    }
  })

  test('rejects where something else has the name, or is on the way', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(makePrivateFolder(join(folder, 'file'))).rejects.toMatchObject({ code: 'EEXIST' })
    await expect(makePrivateFolder(join(folder, 'file', 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  })

  test.runIf(process.platform === 'linux')(
    'ends where a folder cannot be made though its parent is there',
    async () => {
      await expect(makePrivateFolder('/proc/nothing/here')).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )
})
