import { mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

const OWNER_ONLY = 0o700

/**
 * Makes a folder that only its owner may enter (0700), and the parents that are missing. A folder that exists stays as it is.
 *
 * Node's own recursive `mkdir` never returns where the parent exists and making still fails with ENOENT, as it does in `/proc`.
 * @returns the topmost folder that was made; undefined when there was nothing to make
 * @throws what the file system says; EEXIST when something else has the name
 */
export async function makePrivateFolder(folder: string): Promise<string | undefined> {
  const path = resolve(folder)
  try {
    await mkdir(path, { mode: OWNER_ONLY })
    return path
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST' && (await isFolder(path))) return undefined
    const parent = dirname(path)
    if (code !== 'ENOENT' || (await isFolder(parent))) throw error
    const first = await makePrivateFolder(parent)
    const made = await makePrivateFolder(path)
    return first ?? made
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
