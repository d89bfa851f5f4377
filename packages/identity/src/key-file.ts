import { createPrivateKey, type KeyObject, randomBytes } from 'node:crypto'
import { constants, type FileHandle, link, open, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { IdentityError, type IdentityErrorCode } from './errors.js'
import { createIdentity, type Identity, identityOfKey } from './identity.js'
import { makePrivateFolder } from './private-folder.js'

// A PKCS #8 Ed25519 key in PEM has 119 bytes; anything near this size is no key file.
const MAX_FILE_BYTES = 4_096
const OTHERS = 0o077
const posix = process.platform !== 'win32'

/**
 * Loads the identity in a key file, or makes one if there is no file: an Ed25519 private key as PKCS #8 PEM,
 * unencrypted, readable by its owner only (mode 0600; Windows has no modes and relies on the folder). The folder is
 * made too if it is missing (mode 0700).
 *
 * When it resolves, the key survives a power failure. A file that exists is never overwritten: of several processes
 * that start at the same moment one makes the key and all return it. Fails with `KEY_PERMISSIONS`, `KEY_CORRUPT`,
 * `KEY_UNREADABLE` or `KEY_UNWRITABLE`; the message says what to do.
 */
export async function openIdentity(path: string): Promise<Identity> {
  const file = resolve(path)
  const present = await load(file)
  if (present !== undefined) return present
  await create(file)
  // Read back even after making it: another process may have been first, and what is on the disk is what counts.
  const made = await load(file)
  if (made !== undefined) return made
  return fail('KEY_UNREADABLE', file, 'is a link that leads nowhere, or was removed just now: check it and start again')
}

async function load(file: string): Promise<Identity | undefined> {
  let text: string
  try {
    // Without O_NONBLOCK opening a named pipe would wait for ever.
    const handle = await open(file, posix ? constants.O_RDONLY | constants.O_NONBLOCK : 'r')
    try {
      text = await readKeyText(handle, file)
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (cause instanceof IdentityError) throw cause
    const code = codeOf(cause)
    // ENOTDIR: something on the way is no folder; making the folder will say so.
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    return fail('KEY_UNREADABLE', file, 'cannot be read: check its owner and its folder', cause)
  }
  return identityOfKey(parseKey(text, file))
}

async function readKeyText(handle: FileHandle, file: string): Promise<string> {
  const stat = await handle.stat()
  if (!stat.isFile()) return fail('KEY_UNREADABLE', file, 'is not a file: give the path of a key file')
  if (posix && (stat.mode & OTHERS) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
    return fail('KEY_PERMISSIONS', file, `is open to other users (mode ${mode}): run chmod 600 '${file}'`)
  }
  // Node would make 64 KiB of room for it.
  if (stat.size === 0) return corrupt(file, 'it is empty')
  if (stat.size > MAX_FILE_BYTES) return corrupt(file, `${stat.size} bytes are too many for a key`)
  return await handle.readFile('latin1')
}

function parseKey(text: string, file: string): KeyObject {
  let key: KeyObject
  try {
    key = createPrivateKey({ key: text, format: 'pem' })
  } catch (cause) {
    return corrupt(file, 'no unencrypted PKCS #8 key in PEM', cause)
  }
  return key.asymmetricKeyType === 'ed25519' ? key : corrupt(file, `a key of type ${key.asymmetricKeyType}`)
}

/** Makes a key file unless there is one; then it changes nothing. */
async function create(file: string): Promise<void> {
  const folder = dirname(file)
  const pem = createIdentity().privateKey.export({ format: 'pem', type: 'pkcs8' })
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const firstMade = await makePrivateFolder(folder)
    await writeSynced(temporary, pem)
    try {
      // Unlike rename, link fails when the name is taken.
      await link(temporary, file)
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw cause
    } finally {
      await unlink(temporary)
    }
    await syncFolders(folder, firstMade)
  } catch (cause) {
    fail(
      'KEY_UNWRITABLE',
      file,
      'cannot be made: check its folder (writable, space left, able to hold hard links)',
      cause,
    )
  }
}

async function writeSynced(path: string, content: string | Buffer): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } catch (cause) {
    await unlink(path)
    throw cause
  } finally {
    await handle.close()
  }
}

/** Makes the new names durable: in `folder`, and in every folder above that got a new one. */
async function syncFolders(folder: string, firstMade: string | undefined): Promise<void> {
  if (!posix) return // Windows cannot open a folder to sync it
  const last = firstMade === undefined ? folder : dirname(resolve(firstMade))
  for (let current = folder; ; current = dirname(current)) {
    const handle = await open(current, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (current === last || current === dirname(current)) return
  }
}

function corrupt(file: string, what: string, cause?: unknown): never {
  return fail(
    'KEY_CORRUPT',
    file,
    `holds no usable key (${what}): restore it from a backup, or move it away to start as a new peer with a new id`,
    cause,
  )
}

function fail(code: IdentityErrorCode, path: string, what: string, cause?: unknown): never {
  const detail = cause instanceof Error && codeOf(cause) !== undefined ? ` (${codeOf(cause)})` : ''
  throw new IdentityError(
    code,
    `the key file ${path} ${what}${detail}`,
    cause === undefined ? { path } : { path, cause },
  )
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
