/** The receiver's own ledger: each message is written before it is acknowledged, so what was acknowledged survives a kill. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { ReceivedMessage } from '@pc/messaging'
import { messageView } from './views.js'

export interface Journal {
  readonly append: (message: ReceivedMessage) => void
  close(): void
}

/** Appends to `path` (made with mode 0600). Throws when it cannot be opened; a failed append refuses the message. */
export function openJournal(path: string): Journal {
  const file = openSync(path, 'a', 0o600)
  return {
    append: (message) => {
      writeSync(file, `${JSON.stringify(messageView(message))}\n`)
    },
    close: () => closeSync(file),
  }
}
