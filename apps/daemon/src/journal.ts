/** The receiver's own ledger: each message is written before it is acknowledged, so what was acknowledged survives a kill. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { ReceivedMessage } from '@pc/messaging'
import { messageView } from './views.js'

export interface Journal {
  readonly append: (message: ReceivedMessage) => void
  close(): void
}

/**
 * Appends to `path` (made with mode 0600). Throws when it cannot be opened; a failed append refuses the message.
 * A line that was cut short (full disk, power) stays alone: the next one begins on a line of its own.
 */
export function openJournal(path: string, write: (file: number, bytes: Uint8Array) => number = writeSync): Journal {
  const file = openSync(path, 'a+', 0o600)
  let torn = endsTorn(file)
  return {
    append: (message) => {
      const bytes = Buffer.from(`${torn ? '\n' : ''}${JSON.stringify(messageView(message))}\n`)
      torn = true
      // A disk that is nearly full takes a part, and refuses the rest.
      for (let at = 0; at < bytes.length; ) at += write(file, bytes.subarray(at))
      torn = false
    },
    close: () => closeSync(file),
  }
}

function endsTorn(file: number): boolean {
  const { size } = fstatSync(file)
  const last = Buffer.alloc(1)
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a
}
