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
  const parent = dirname(path)
  try {
    return await makeOne(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error
  }
  // Somebody else may have made the parent since; with a parent that is there, what fails now is final.
  const first = (await isFolder(parent)) ? undefined : await makePrivateFolder(parent)
  const made = await makeOne(path)
  return first ?? made
}

async function makeOne(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: OWNER_ONLY })
    return path
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && (await isFolder(path))) return undefined
    throw error
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
