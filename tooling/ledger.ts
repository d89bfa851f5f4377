/**
 * Two independent books of one conversation: what the sender was told about each message, and what the receiver wrote down before
 * it acknowledged. Lost is what was neither acknowledged nor rejected, or acknowledged and is not in the receiver's book.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { DaemonProcess } from './daemon-process.js'

type Outcome = 'pending' | 'acknowledged' | { readonly refused: string }

interface Entry {
  readonly to: DaemonProcess
  readonly text: string
  outcome: Outcome
}

export interface Balance {
  readonly sent: number
  readonly acknowledged: number
  readonly refused: number
  readonly lost: number
  /** Arrived more than once. */
  readonly twice: number
}

export class Ledger {
  readonly #entries: Entry[] = []
  #next = 0

  /** Sends one text and books what the sender was told. Never throws: a refusal is an entry. */
  async send(from: DaemonProcess, to: DaemonProcess): Promise<Outcome> {
    this.#next += 1
    const entry: Entry = { to, text: `${from.name} to ${to.name}, number ${this.#next}`, outcome: 'pending' }
    this.#entries.push(entry)
    try {
      await from.call('send', { peer: to.name, text: entry.text })
      entry.outcome = 'acknowledged'
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      entry.outcome = { refused: code }
    }
    return entry.outcome
  }

  /** `count` texts with `width` under way at once. */
  async sendMany(from: DaemonProcess, to: DaemonProcess, count: number, width = 32): Promise<void> {
    let left = count
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1
        await this.send(from, to)
      }
    }
    await Promise.all(Array.from({ length: width }, lane))
  }

  balance(): Balance {
    const received = new Map<DaemonProcess, Map<string, number>>()
    let [acknowledged, refused, lost, twice] = [0, 0, 0, 0]
    for (const { to, text, outcome } of this.#entries) {
      const book = received.get(to) ?? readBook(to.journal)
      received.set(to, book)
      const arrivals = book.get(text) ?? 0
      if (arrivals > 1) twice += 1
      if (outcome === 'acknowledged') acknowledged += 1
      else if (outcome !== 'pending') refused += 1
      if (outcome === 'pending' || (outcome === 'acknowledged' && arrivals === 0)) lost += 1
    }
    return { sent: this.#entries.length, acknowledged, refused, lost, twice }
  }

  /** Reasons of refusals with their counts, for people. */
  refusals(): string {
    const counts = new Map<string, number>()
    for (const { outcome } of this.#entries) {
      if (typeof outcome === 'object') counts.set(outcome.refused, (counts.get(outcome.refused) ?? 0) + 1)
    }
    return [...counts].map(([code, count]) => `${count} × ${code}`).join(', ') || 'none'
  }
}

function readBook(path: string): Map<string, number> {
  const book = new Map<string, number>()
  if (!existsSync(path)) return book
  const lines = readFileSync(path, 'utf8').split('\n')
  // The last piece is empty, or a line that a kill cut short: such a message was never acknowledged.
  for (const line of lines.slice(0, -1)) {
    if (line === '') continue
    const { text } = JSON.parse(line) as { text: string }
    book.set(text, (book.get(text) ?? 0) + 1)
  }
  return book
}
