/** Small daemon state in one JSON file: written whole to a temporary file, synced and renamed; a damaged one is moved aside. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import type { Logger } from '@pc/transport'
import { z } from 'zod'

/** What a peer takes: one less than fits into 48 bits. */
const MAX_BOOT: number = 2 ** 48 - 2

export interface DaemonState {
  version: 1
  /** Folded name → full id text. */
  names: Record<string, string>
  /** Of the directory: whom to ask first. Files of older daemons have none. */
  contacts?: { id: string; address: string }[] | undefined
  /** Number of the last run in gossip: the next one's is greater. Files of older daemons have none. */
  gossipBoot?: number | undefined
}

const schema: z.ZodType<DaemonState> = z.object({
  version: z.literal(1),
  names: z.record(z.string(), z.string()),
  contacts: z.array(z.object({ id: z.string(), address: z.string() })).optional(),
  gossipBoot: z.number().int().min(0).max(MAX_BOOT).optional(),
})

export function readState(path: string, logger: Logger): DaemonState {
  const empty: DaemonState = { version: 1, names: {} }
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return empty
    throw error
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (error) {
    // Only pinned names are lost; refusing to start would lose more.
    const aside = `${path}.damaged-${Date.now()}`
    renameSync(path, aside)
    logger.warn(
      { aside, reason: String(error) },
      'the state file was damaged; it was moved aside, pinned names start anew',
    )
    return empty
  }
}

export function writeState(path: string, state: DaemonState): void {
  const temporary = `${path}.new`
  const file = openSync(temporary, 'w', 0o600)
  try {
    writeSync(file, `${JSON.stringify(state, null, 2)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, path)
}
