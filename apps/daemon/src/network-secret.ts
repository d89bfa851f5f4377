/**
 * Where the network secret comes from. It has a file instead of a flag, because flags stand in the list of processes; and no text
 * here has anything of it, because what a daemon says ends up in logs.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/** Why a secret cannot be used, as the end of a sentence. */
export class SecretError extends Error {
  override readonly name = 'SecretError'
}

const MIN_BYTES = 8
const MAX_BYTES = 1_024
const LINE_BREAK_BYTES = 2
const OPEN_TO_OTHERS = 0o077

/** The bytes of the file without the line break at its end. @throws SecretError */
export function readSecretFile(path: string): string | Uint8Array {
  let file: number
  try {
    // Without O_NONBLOCK opening a named pipe would wait for ever.
    file = openSync(path, process.platform === 'win32' ? 'r' : constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw new SecretError(`it cannot be read: ${(error as Error).message}`)
  }
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) throw new SecretError('it is no file')
    refuseOpenToOthers(stats.mode)
    if (stats.size > MAX_BYTES + LINE_BREAK_BYTES) throw new SecretError(`it has more than ${MAX_BYTES} bytes`)
    return checkSecret(withoutLineBreak(readFileSync(file)))
  } finally {
    closeSync(file)
  }
}

/** A file that holds the secret is for its owner alone. Windows has no such mode: protect the folder. @throws SecretError */
export function refuseOpenToOthers(mode: number, platform: NodeJS.Platform = process.platform): void {
  if (platform === 'win32' || (mode & OPEN_TO_OTHERS) === 0) return
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  throw new SecretError(`other users of this machine may open it (mode ${shown}); make it yours alone: chmod 600`)
}

/** @throws SecretError */
export function checkSecret(secret: unknown): string | Uint8Array {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) throw new SecretError('it is no text')
  const bytes = Buffer.byteLength(secret)
  if (bytes < MIN_BYTES || bytes > MAX_BYTES) {
    throw new SecretError(`it has ${bytes} bytes; expected ${MIN_BYTES} to ${MAX_BYTES}`)
  }
  return secret
}

function withoutLineBreak(bytes: Buffer): Uint8Array {
  let end = bytes.length
  if (bytes[end - 1] === 0x0a) end -= 1
  if (end < bytes.length && bytes[end - 1] === 0x0d) end -= 1
  return Uint8Array.from(bytes.subarray(0, end))
}
