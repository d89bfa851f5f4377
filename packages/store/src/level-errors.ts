import { StoreError } from './errors.js'

/** LevelDB passes on what the operating system says, as text only. */
const NO_SPACE = /no space left|disk quota exceeded|not enough space|ENOSPC|EDQUOT/i
/** A file that the manifest names is gone, or the manifest itself. */
const FILE_GONE = /no such file|cannot find the (?:file|path)|notfound/i

/** Why the database in `folder` could not be opened, and what to do. */
export function asOpeningError(error: unknown, folder: string): StoreError {
  if (error instanceof StoreError) return error
  const { code, text } = reasonOf(error)
  const options = { cause: error, path: folder }
  if (code === 'LEVEL_LOCKED') {
    const message = `the store in ${folder} is already open, in this process or another: only one can have it`
    return new StoreError('STORE_LOCKED', message, options)
  }
  if (NO_SPACE.test(text)) {
    return new StoreError('STORE_FULL', `the store in ${folder} needs space to open: ${text}; free some`, options)
  }
  if (code === 'LEVEL_CORRUPTION' || (code === 'LEVEL_IO_ERROR' && FILE_GONE.test(text))) {
    const message = `the files of the store in ${folder} are damaged: ${text}; restore the folder, or move it away to begin anew`
    return new StoreError('STORE_CORRUPT', message, options)
  }
  const message = `the store in ${folder} cannot be opened: ${text}; check that it is a folder this user may read and write`
  return new StoreError('STORE_FAILED', message, options)
}

/** Why a read or write failed. */
export function asRunningError(error: unknown, folder: string): StoreError {
  if (error instanceof StoreError) return error
  const { code, text } = reasonOf(error)
  const options = { cause: error, path: folder }
  if (NO_SPACE.test(text))
    return new StoreError('STORE_FULL', `no space left for the store in ${folder}: ${text}`, options)
  if (code === 'LEVEL_CORRUPTION') {
    return new StoreError('STORE_CORRUPT', `a file of the store in ${folder} is damaged: ${text}`, options)
  }
  return new StoreError('STORE_FAILED', `the store in ${folder} failed: ${text}`, options)
}

/** The innermost error: abstract-level wraps the one of LevelDB. */
function reasonOf(error: unknown): { code: string | undefined; text: string } {
  let reason = error
  while (reason instanceof Error && reason.cause instanceof Error) reason = reason.cause
  const { code } = Object(reason) as { code?: unknown }
  return {
    code: typeof code === 'string' ? code : undefined,
    text: reason instanceof Error ? reason.message : String(reason),
  }
}
