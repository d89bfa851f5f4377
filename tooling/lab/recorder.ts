/** Writes the history of a run, and puts every entry into the trace: two runs are the same if their hashes are. */
import type { Trace } from '@pc/testkit'
import type { Attempt, Execution, History, Load, Outcome, Presence, Shown, Stored } from './history.js'

export class Recorder {
  readonly #trace: Trace
  readonly #history = {
    attempts: [] as Attempt[],
    stored: [] as Stored[],
    inboxes: new Map<string, readonly string[]>(),
    executions: [] as Execution[],
    presence: [] as Presence[],
    loads: [] as Load[],
    shown: [] as Shown[],
    ids: new Map<string, string>(),
    cutOff: new Set<string>(),
    stalledMs: new Map<string, number>(),
  }
  /** Calls under way, by life. */
  readonly #open = new Map<string, { messages: number; requests: number }>()

  constructor(trace: Trace) {
    this.#trace = trace
  }

  get history(): History {
    return this.#history
  }

  attempt(fields: Omit<Attempt, 'number' | 'outcome'>): Attempt {
    const attempt: Attempt = { ...fields, number: this.#history.attempts.length + 1, outcome: 'pending' }
    this.#history.attempts.push(attempt)
    const open = this.open(fields.from)
    if (fields.kind === 'message') open.messages += 1
    else open.requests += 1
    return attempt
  }

  settle(attempt: Attempt, outcome: Outcome, at: number, tookMs: number): void {
    attempt.outcome = outcome
    attempt.settledAt = at
    attempt.tookMs = tookMs
    const open = this.open(attempt.from)
    if (attempt.kind === 'message') open.messages -= 1
    else open.requests -= 1
    this.#trace.add('settled', attempt.number, at, typeof outcome === 'object' ? String(outcome.rejected) : outcome)
  }

  /** What a life has under way, by its own account. */
  open(life: string): { messages: number; requests: number } {
    const known = this.#open.get(life)
    if (known !== undefined) return known
    const open = { messages: 0, requests: 0 }
    this.#open.set(life, open)
    return open
  }

  stored(entry: Stored): void {
    this.#history.stored.push(entry)
    this.#trace.add('stored', entry.by, entry.at, entry.id, entry.claims.number)
  }

  executed(entry: Execution): void {
    this.#history.executions.push(entry)
    this.#trace.add('executed', entry.by, entry.at, entry.claims.number)
  }

  presence(entry: Presence): void {
    this.#history.presence.push(entry)
    this.#trace.add('presence', entry.by, entry.about, entry.at, entry.kind)
  }

  load(entry: Load): void {
    this.#history.loads.push(entry)
  }

  shown(entry: Shown): void {
    this.#history.shown.push(entry)
    this.#trace.add('shown', entry.by, entry.id, entry.name)
  }

  inbox(life: string, ids: readonly string[]): void {
    this.#history.inboxes.set(life, ids)
    this.#trace.add('inbox', life, ...ids)
  }

  identity(id: string, machine: string): void {
    this.#history.ids.set(id, machine)
  }

  cutOff(life: string): void {
    this.#history.cutOff.add(life)
  }

  stalled(life: string, ms: number): void {
    const { stalledMs } = this.#history
    stalledMs.set(life, (stalledMs.get(life) ?? 0) + ms)
  }
}
