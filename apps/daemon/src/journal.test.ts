import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReceivedMessage } from '@pc/messaging'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openJournal } from './journal.js'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pcd-journal-'))
  file = join(folder, 'journal.ndjson')
})
afterEach(() => rmSync(folder, { recursive: true }))

const from = { toString: () => 'somebody' }
const message = (payload: string): ReceivedMessage =>
  ({
    sequence: 1,
    id: 'x-1',
    from,
    type: 'text',
    payload,
    sentAt: 1,
    receivedAt: 2,
    verified: false,
  }) as unknown as ReceivedMessage

const texts = (): unknown[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return [(JSON.parse(line) as { text: string }).text]
      } catch {
        return []
      }
    })

describe('the journal', () => {
  it('goes on after a line that a crash cut short', () => {
    writeFileSync(file, '{"text":"who')
    const journal = openJournal(file)
    journal.append(message('whole'))
    journal.close()
    expect(texts()).toEqual(['whole'])
  })

  it('writes the rest when the disk takes a part, and keeps a refused message apart from the next', () => {
    let room = Number.POSITIVE_INFINITY
    const journal = openJournal(file, (fd, bytes) => {
      if (room === 0) throw new Error('ENOSPC')
      const taken = Math.min(bytes.length, room, 7)
      room -= taken
      return writeSync(fd, bytes, 0, taken)
    })
    journal.append(message('one'))
    room = 10
    expect(() => journal.append(message('refused'))).toThrow('ENOSPC')
    room = Number.POSITIVE_INFINITY
    journal.append(message('two'))
    journal.close()
    expect(texts()).toEqual(['one', 'two'])
  })
})
