/** What a damaged LevelDB folder does: found at opening or on reading, never served as good data. */
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore, type Store, StoreError } from '../src/index.js'
import { sequenceKey } from '../src/sequence.js'
import { bytes, text } from './_util/bytes.js'
import { codeOf, put, read } from './_util/read.js'

/** Entries in tables, the older half overwritten once: an old value that turns up again must not pass for good. */
const OLD = 60
/** Entries that only the log has. */
const NEW = 40

let folder: string
/** A closed database with a log that holds something, as after a kill. */
let original: string
let copies = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pc-store-faults-'))
  const built = join(folder, 'built')
  original = join(folder, 'original')
  for (const version of ['old', 'new']) {
    const store = await openStore({ path: built })
    const count = version === 'old' ? OLD : OLD / 2
    for (let n = 0; n < count; n++) await store.write([{ type: 'put', key: keyOf(n), value: storedValue(n, version) }])
    await store.close()
  }
  const store = await openStore({ path: built })
  for (let n = OLD; n < OLD + NEW; n++)
    await store.write([{ type: 'put', key: keyOf(n), value: storedValue(n, 'new') }])
  // Copied while it is open, as a power failure would leave it.
  await cp(built, original, { recursive: true })
  await store.close()
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

function keyOf(n: number): Uint8Array {
  return sequenceKey(bytes('log/'), n)
}

function storedValue(n: number, version: string): Uint8Array {
  return bytes(`${version} ${n} `.repeat(20))
}

function expected(n: number): string | undefined {
  return text(storedValue(n, n < OLD / 2 || n >= OLD ? 'new' : 'old'))
}

async function copy(): Promise<string> {
  const path = join(folder, `copy-${copies++}`)
  await cp(original, path, { recursive: true })
  return path
}

async function filesOf(path: string, pattern: RegExp): Promise<string[]> {
  return (await readdir(path)).filter((name) => pattern.test(name)).sort()
}

interface Finding {
  /** Whether anything said that something is wrong. */
  readonly told: boolean
  /** Entries that came back as they should. */
  readonly good: number
}

/** Opens, reads everything in both ways, and fails the test when anything wrong is served as good. */
async function examine(path: string): Promise<Finding> {
  let store: Store
  try {
    store = await openStore({ path })
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    expect((error as StoreError).code).toBe('STORE_CORRUPT')
    return { told: true, good: 0 }
  }
  let told = store.damage.length > 0
  let good = 0
  try {
    for (let n = 0; n < OLD + NEW; n++) {
      try {
        const value = text(await store.get(keyOf(n)))
        if (value === expected(n)) good++
        else expect(told, `entry ${n} is ${value?.slice(0, 9)} and nothing was reported`).toBe(true)
      } catch (error) {
        expect((error as StoreError).code).toBe('STORE_CORRUPT')
        told = true
      }
    }
    try {
      for await (const { key, value } of store.entries({ onCorrupt: () => (told = true) })) {
        const n = Number(new DataView(key.buffer, key.byteOffset).getBigUint64(4))
        if (text(value) !== expected(n)) expect(told, `the walk served entry ${n} wrong`).toBe(true)
      }
    } catch (error) {
      expect((error as StoreError).code).toBe('STORE_CORRUPT')
      told = true
    }
  } finally {
    await store.close()
  }
  return { told, good }
}

describe('a healthy folder', () => {
  it('has tables and a log, and nothing is reported', async () => {
    const path = await copy()
    expect((await filesOf(path, /\.ldb$/)).length).toBeGreaterThan(0)
    expect(await examine(path)).toEqual({ told: false, good: OLD + NEW })
    // The second opening finds the log turned into a table.
    expect(await examine(path)).toEqual({ told: false, good: OLD + NEW })
  })

  it('is for its owner alone', async () => {
    const path = join(folder, 'new', 'parents', 'db')
    const store = await openStore({ path })
    await store.close()
    if (process.platform === 'win32') return
    for (const made of [path, join(path, '..'), join(path, '..', '..')]) {
      expect((await stat(made)).mode & 0o777).toBe(0o700)
    }
  })
})

describe('flipped bits', () => {
  it.each([/\.ldb$/, /\.log$/, /^MANIFEST/, /^CURRENT$/])(
    'in %s are told or do no harm, wherever they are',
    async (pattern) => {
      const names = (await filesOf(original, pattern)).filter((name) => name !== 'LOG')
      expect(names.length).toBeGreaterThan(0)
      await fc.assert(
        fc.asyncProperty(fc.nat(), fc.nat(), async (file, position) => {
          const path = await copy()
          const target = join(path, names[file % names.length] ?? '')
          const content = await readFile(target)
          const bit = position % (8 * content.length)
          content[bit >> 3] = (content[bit >> 3] ?? 0) ^ (1 << (bit & 7))
          await writeFile(target, content)
          const { told, good } = await examine(path)
          expect(told || good === OLD + NEW).toBe(true)
          await rm(path, { recursive: true })
        }),
        { numRuns: 40 },
      )
    },
    60_000,
  )

  it('in a value are found on reading when they happen after opening', async () => {
    const path = await copy()
    const store = await openStore({ path })
    for (const name of await filesOf(path, /\.ldb$/)) {
      const content = await readFile(join(path, name))
      const at = content.indexOf('old 59 ')
      if (at === -1) continue
      content[at] = (content[at] ?? 0) ^ 4
      await writeFile(join(path, name), content)
    }
    await expect(store.get(keyOf(59))).rejects.toMatchObject({ code: 'STORE_CORRUPT', key: keyOf(59) })
    expect(text(await store.get(keyOf(58)))).toBe(expected(58))
    await store.close()
  })
})

describe('files that are cut or gone', () => {
  it('refuses to open without CURRENT, and leaves the data alone', async () => {
    const path = await copy()
    const current = await readFile(join(path, 'CURRENT'))
    await rm(join(path, 'CURRENT'))
    expect(await codeOf(openStore({ path }))).toBe('STORE_CORRUPT')
    await writeFile(join(path, 'CURRENT'), current)
    expect(await examine(path)).toEqual({ told: false, good: OLD + NEW })
  })

  it.each([/^MANIFEST/, /\.ldb$/])('refuses to open without %s', async (pattern) => {
    const path = await copy()
    await rm(join(path, (await filesOf(path, pattern))[0] ?? ''))
    expect(await codeOf(openStore({ path }))).toBe('STORE_CORRUPT')
  })

  it('tells that the log is missing', async () => {
    const path = await copy()
    const [log = ''] = await filesOf(path, /\.log$/)
    await rm(join(path, log))
    const store = await openStore({ path })
    expect(store.damage).toEqual([{ file: log, text: 'the log is missing: the last writes are lost' }])
    await store.close()
  })

  it('takes a log that ends in the middle of a record as a crash leaves it: whole writes, the last ones missing', async () => {
    const path = await copy()
    const [log = ''] = await filesOf(path, /\.log$/)
    await truncate(join(path, log), (await stat(join(path, log))).size - 100)
    const store = await openStore({ path })
    expect(store.damage).toEqual([])
    expect(text(await store.get(keyOf(OLD + NEW - 2)))).toBe(expected(OLD + NEW - 2))
    expect(await store.get(keyOf(OLD + NEW - 1))).toBeUndefined()
    await store.close()
  })

  it('tells of a table that is cut', async () => {
    const path = await copy()
    const [table = ''] = await filesOf(path, /\.ldb$/)
    await truncate(join(path, table), (await stat(join(path, table))).size - 10)
    expect((await examine(path)).told).toBe(true)
  })
})

describe('a folder that cannot be opened', () => {
  it('says that it is open already', async () => {
    const path = await copy()
    const store = await openStore({ path })
    expect(await codeOf(openStore({ path }))).toBe('STORE_LOCKED')
    await store.write([put('still', 'works')])
    expect((await read(store, { from: bytes('s') }))[0]).toBe('still=works')
    await store.close()
    await (await openStore({ path })).close()
  })

  it('says what is in the way', async () => {
    const path = join(folder, 'a-file')
    await writeFile(path, '')
    await expect(openStore({ path })).rejects.toMatchObject({ code: 'STORE_FAILED', path })
    await expect(openStore({ path: join(path, 'below') })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})
