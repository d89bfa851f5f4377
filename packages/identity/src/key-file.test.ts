import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createIdentity } from './identity.js'
import { openIdentity } from './key-file.js'

const posix = process.platform !== 'win32'
let folder: string
let path: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pc-identity-'))
  path = join(folder, 'identity.pem')
})

afterEach(() => rm(folder, { recursive: true }))

const pemOf = (key = createIdentity().privateKey) => key.export({ format: 'pem', type: 'pkcs8' }).toString()
const failure = (code: string, message: RegExp | string) =>
  expect.objectContaining({ name: 'IdentityError', code, path, message: expect.stringMatching(message) })

describe('making a key', () => {
  test('the second start finds the identity of the first', async () => {
    const first = await openIdentity(path)
    const second = await openIdentity(path)
    expect(second.id.equals(first.id)).toBe(true)
    expect(await readdir(folder)).toEqual(['identity.pem'])
  })

  test.runIf(posix)('only its owner can read it, and missing folders are private', async () => {
    path = join(folder, 'a', 'b', 'identity.pem')
    await openIdentity(path)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'a', 'b'))).mode & 0o777).toBe(0o700)
  })

  test('the file is an ordinary PKCS #8 PEM', async () => {
    const { privateKey } = await openIdentity(path)
    expect(createPrivateKey(await readFile(path, 'utf8')).equals(privateKey)).toBe(true)
  })

  test('of many that start at once one makes the key and all get it', async () => {
    const identities = await Promise.all(Array.from({ length: 20 }, () => openIdentity(path)))
    expect(new Set(identities.map(({ id }) => id.toString())).size).toBe(1)
    expect(await readdir(folder)).toEqual(['identity.pem'])
  })

  test('a folder that cannot be made or written is KEY_UNWRITABLE', async () => {
    await writeFile(join(folder, 'file'), '')
    path = join(folder, 'file', 'identity.pem')
    await expect(openIdentity(path)).rejects.toEqual(failure('KEY_UNWRITABLE', /check its folder/))
  })
})

describe('a key file that cannot be used', () => {
  const corrupt: [string, () => string][] = [
    ['empty', () => ''],
    ['no PEM', () => 'hello'],
    ['torn', () => pemOf().slice(0, 60)],
    ['a public key', () => createIdentity().id.publicKey.export({ format: 'pem', type: 'spki' }).toString()],
    ['an X25519 key', () => pemOf(generateKeyPairSync('x25519').privateKey)],
    ['a P-256 key', () => pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)],
    ['zeros', () => '\0'.repeat(119)],
    ['too long', () => pemOf() + '\n'.repeat(5_000)],
    [
      'encrypted',
      () =>
        createIdentity()
          .privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
          .toString(),
    ],
  ]
  test.each(corrupt)('%s: KEY_CORRUPT, and it is left as it was', async (_what, content) => {
    const before = content()
    await writeFile(path, before, { mode: 0o600 })
    await expect(openIdentity(path)).rejects.toEqual(
      failure('KEY_CORRUPT', /restore it from a backup, or move it away/),
    )
    expect(await readFile(path, 'utf8')).toBe(before)
  })

  test.runIf(posix)('open to group or others in any way: KEY_PERMISSIONS, with the cure', async () => {
    await writeFile(path, pemOf(), { mode: 0o600 })
    for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777]) {
      await chmod(path, mode)
      await expect(openIdentity(path)).rejects.toEqual(failure('KEY_PERMISSIONS', `run chmod 600 '${path}'`))
    }
    for (const mode of [0o600, 0o400]) {
      await chmod(path, mode)
      await expect(openIdentity(path)).resolves.toBeDefined()
    }
  })

  test('a folder: KEY_UNREADABLE', async () => {
    await mkdir(path)
    await expect(openIdentity(path)).rejects.toEqual(failure('KEY_UNREADABLE', /./))
  })

  test.runIf(posix)('a link that leads nowhere: KEY_UNREADABLE, and no key appears at its end', async () => {
    await symlink(join(folder, 'nowhere'), path)
    await expect(openIdentity(path)).rejects.toEqual(failure('KEY_UNREADABLE', /leads nowhere/))
    expect(await readdir(folder)).toEqual(['identity.pem'])
  })

  test.runIf(posix)('a named pipe: KEY_UNREADABLE instead of waiting', async () => {
    execFileSync('mkfifo', ['-m', '600', path])
    await expect(openIdentity(path)).rejects.toEqual(failure('KEY_UNREADABLE', /is not a file/))
  })
})

test.runIf(posix)('a link to a key file is followed', async () => {
  const made = await openIdentity(join(folder, 'real.pem'))
  await symlink('real.pem', path)
  expect((await openIdentity(path)).id.equals(made.id)).toBe(true)
})
