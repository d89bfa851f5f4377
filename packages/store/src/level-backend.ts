/**
 * LevelDB as a backend.
 *
 * What LevelDB (1.20, as in classic-level 3.0.0) does that a caller must know, each seen in an experiment that a test repeats:
 * - A disk that is full, or a failing sync, leaves half a record in the log. When there is space again, LevelDB goes on behind it, acknowledges
 *   synced batches, and at the next opening drops them all: its reader stops at the half record. So after any failed batch the
 *   database is closed and opened anew, with a fresh log, before the next one is written.
 * - It checks neither values nor blocks when reading, and passes over damaged parts of its log when opening: see level-check.ts.
 * - Without its file CURRENT it makes an empty database and deletes the files of the old one: refused in level-check.ts.
 */
import { mkdir, open, readdir, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ClassicLevel, type IteratorOptions, type Iterator as LevelIterator } from 'classic-level'
import type { BackendIterator, BackendRange, StoreBackend, StoreChange, StoreDamage, StoreEntry } from './backend.js'
import { StoreError } from './errors.js'
import { checkLevelFiles } from './level-check.js'
import { asOpeningError, asRunningError } from './level-errors.js'

type Level = ClassicLevel<Uint8Array, Uint8Array>

const OWNER_ONLY = 0o700

/** One chunk of a range read: what is held in memory, and how long the thread pool works in one go. */
const CHUNK_BYTES = 65_536
const CHUNK_ENTRIES = 1_000

/** Opening writes the log anew as a table, a manifest and an empty log: the log's size and this much. */
const OPENING_BYTES = 1_048_576

/**
 * Opens, or makes, the database in the folder `path`; nothing else may be kept there. A missing folder is made for its owner
 * alone (0700). One process at a time.
 * @throws StoreError STORE_LOCKED, STORE_CORRUPT, STORE_FULL, STORE_FAILED
 */
export async function openLevelBackend(path: string): Promise<StoreBackend> {
  const folder = resolve(path)
  try {
    await makeFolder(folder)
  } catch (error) {
    throw asOpeningError(error, folder)
  }
  const damage = await checkLevelFiles(folder)
  return new LevelBackend(folder, damage, await openLevel(folder))
}

class LevelBackend implements StoreBackend {
  readonly damage: readonly StoreDamage[]
  readonly #folder: string
  /** A rejected promise while the database could not be opened anew; the next call tries again. */
  #level: Promise<Level>
  /** A batch failed since the database was opened. */
  #doubtful = false

  constructor(folder: string, damage: readonly StoreDamage[], level: Level) {
    this.#folder = folder
    this.damage = damage
    this.#level = Promise.resolve(level)
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const level = await this.#opened()
    try {
      return await level.get(key)
    } catch (error) {
      throw asRunningError(error, this.#folder)
    }
  }

  entries(range: BackendRange): BackendIterator {
    return new LevelWalk(this.#opened(), range, this.#folder)
  }

  async batch(changes: readonly StoreChange[]): Promise<void> {
    if (this.#doubtful) await this.#openAnew()
    const level = await this.#opened()
    try {
      await level.batch(changes.map(operation), { sync: true })
    } catch (error) {
      this.#doubtful = true
      throw asRunningError(error, this.#folder)
    }
  }

  async close(): Promise<void> {
    const level = await this.#level.catch(() => undefined)
    await level?.close()
  }

  async #opened(): Promise<Level> {
    try {
      return await this.#level
    } catch {
      // Why it failed was told to whoever asked then; now this try counts.
      this.#level = openLevel(this.#folder)
      return await this.#level
    }
  }

  /** Reads go on with the old database until there is space to open it anew; range reads under way end with STORE_FAILED. */
  async #openAnew(): Promise<void> {
    await this.#checkSpace()
    const old = await this.#level.catch(() => undefined)
    this.#level = Promise.resolve(old?.close()).then(() => openLevel(this.#folder))
    await this.#level
    this.#doubtful = false
  }

  async #checkSpace(): Promise<void> {
    const needed = OPENING_BYTES + (await logBytes(this.#folder))
    const { bavail, bsize } = await statfs(this.#folder)
    if (bavail * bsize >= needed) return
    throw new StoreError(
      'STORE_FULL',
      `${this.#folder} has ${bavail * bsize} bytes of space left, ${needed} are needed to go on after a failed write: free some`,
      { path: this.#folder },
    )
  }
}

class LevelWalk implements BackendIterator {
  readonly #level: Promise<Level>
  readonly #range: BackendRange
  readonly #folder: string
  #iterator: LevelIterator<Level, Uint8Array, Uint8Array> | undefined
  #closed = false

  constructor(level: Promise<Level>, range: BackendRange, folder: string) {
    this.#level = level
    this.#range = range
    this.#folder = folder
    // Reported by `next()`.
    level.catch(() => {})
  }

  async next(): Promise<readonly StoreEntry[]> {
    const level = await this.#level
    if (this.#closed) return []
    try {
      this.#iterator ??= level.iterator<Uint8Array, Uint8Array>(iteratorOptions(this.#range))
      const chunk = await this.#iterator.nextv(CHUNK_ENTRIES)
      return chunk.map(([key, value]) => ({ key: plain(key), value }))
    } catch (error) {
      throw asRunningError(error, this.#folder)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#iterator?.close()
  }
}

function operation(
  change: StoreChange,
): { type: 'put'; key: Uint8Array; value: Uint8Array } | { type: 'del'; key: Uint8Array } {
  return change.type === 'put' ? change : { type: 'del', key: change.key }
}

function iteratorOptions(range: BackendRange): IteratorOptions<Uint8Array, Uint8Array> {
  return {
    reverse: range.reverse,
    highWaterMarkBytes: CHUNK_BYTES,
    ...(range.from === undefined ? {} : { gte: range.from }),
    ...(range.before === undefined ? {} : { lt: range.before }),
    ...(range.limit === undefined ? {} : { limit: range.limit }),
  }
}

async function openLevel(folder: string): Promise<Level> {
  const level: Level = new ClassicLevel(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    // Uncompressed blocks can be checked without Snappy, and one flipped bit stays one wrong byte.
    compression: false,
  })
  try {
    await level.open()
    return level
  } catch (error) {
    throw asOpeningError(error, folder)
  }
}

/** classic-level gives Buffers under the name of views. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

async function logBytes(folder: string): Promise<number> {
  let bytes = 0
  for (const name of await readdir(folder)) {
    if (name.endsWith('.log')) bytes += (await stat(join(folder, name))).size
  }
  return bytes
}

/** The folder and its missing parents, each with its entry on disk: LevelDB syncs its files, not the way to them. */
async function makeFolder(folder: string): Promise<void> {
  const parent = dirname(folder)
  try {
    await mkdir(folder, { mode: OWNER_ONLY })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(folder)).isDirectory()) return
    if (code !== 'ENOENT' || parent === folder || (await exists(parent))) throw error
    await makeFolder(parent)
    await mkdir(folder, { mode: OWNER_ONLY })
  }
  // Windows cannot open folders, and keeps their entries in its journal.
  if (process.platform === 'win32') return
  const handle = await open(parent, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
