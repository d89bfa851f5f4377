/**
 * Looks through the files of a LevelDB folder before it is opened. LevelDB itself drops damaged parts of its log without a word, serves
 * damaged blocks of its tables, and ends the process (a failed assertion) when a flipped bit hits the structure of a block. Here every
 * record and every block is held against its checksum first.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoreDamage } from './backend.js'
import { StoreError } from './errors.js'
import { readLevelLog } from './level-log.js'
import { readLevelManifest } from './level-manifest.js'
import { checkLevelTable } from './level-table.js'

/**
 * What of the log is damaged or missing: LevelDB opens without it. Nothing for a new folder.
 * @throws StoreError STORE_CORRUPT when LevelDB must not open the folder
 */
export async function checkLevelFiles(folder: string): Promise<StoreDamage[]> {
  const names = new Set(await list(folder))
  const current = await readIfThere(folder, 'CURRENT')
  if (current === undefined) {
    const left = [...names].filter((name) => /^(?:MANIFEST-\d+|\d+\.(?:log|ldb|sst))$/.test(name))
    if (left.length === 0) return []
    throw damaged(folder, `the file CURRENT is missing beside ${left.sort().join(', ')}: opening would delete them`)
  }
  const manifestName = current.toString('latin1').trimEnd()
  const manifest = /^MANIFEST-\d+$/.test(manifestName) ? await readIfThere(folder, manifestName) : undefined
  // LevelDB refuses what is wrong with CURRENT, and says what.
  if (manifest === undefined) return []
  const { records, problems } = readLevelLog(manifest)
  if (problems.length > 0) throw damaged(folder, `${manifestName}: ${problems[0]}`)
  const live = readLevelManifest(records)
  if (live === undefined) throw damaged(folder, `${manifestName} cannot be understood`)
  const found: StoreDamage[] = []
  for (const number of live.tables) {
    const bytes = await readNumbered(folder, number, ['ldb', 'sst'])
    // LevelDB refuses to open when a table is missing.
    const problem = bytes === undefined ? undefined : checkLevelTable(bytes.content)
    if (bytes !== undefined && problem !== undefined) throw damaged(folder, `${bytes.name}: ${problem}`)
  }
  const logs = [...names].flatMap((name) => /^(\d+)\.log$/.exec(name)?.[1] ?? []).map(Number)
  for (const number of new Set([live.log, ...logs.filter((log) => log >= live.log)])) {
    const log = await readNumbered(folder, number, ['log'])
    if (log === undefined) {
      found.push({ file: fileName(number, 'log'), text: 'the log is missing: the last writes are lost' })
      continue
    }
    for (const text of readLevelLog(log.content).problems)
      found.push({ file: log.name, text: `${text}: writes are lost` })
  }
  return found
}

async function readNumbered(
  folder: string,
  number: number,
  endings: readonly string[],
): Promise<{ name: string; content: Buffer } | undefined> {
  for (const ending of endings) {
    const name = fileName(number, ending)
    const content = await readIfThere(folder, name)
    if (content !== undefined) return { name, content }
  }
  return undefined
}

function fileName(number: number, ending: string): string {
  return `${String(number).padStart(6, '0')}.${ending}`
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw unreadable(folder, error)
  }
}

/** A file may go between two looks when another process has the database: then opening will say so. */
async function readIfThere(folder: string, name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(folder, name))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(join(folder, name), error)
  }
}

function unreadable(path: string, cause: unknown): StoreError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StoreError('STORE_FAILED', `${path} cannot be read: ${why}; check its owner and the disk`, { cause, path })
}

function damaged(folder: string, what: string): StoreError {
  const message = `the files of the store in ${folder} are damaged: ${what}; restore the folder, or move it away to begin anew`
  return new StoreError('STORE_CORRUPT', message, { path: folder })
}
