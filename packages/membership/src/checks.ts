/** Performs the steps of checks, and says what came of each. See `check.ts` for the steps. */
import { askAt, CHECK_MS, type Check, type CheckKind, MAX_DIALS, newCheck, overAt, pingAt } from './check.js'
import type { Inside } from './inside.js'
import type { Entry } from './member.js'
import type { Pings } from './pings.js'

interface ChecksPorts {
  readonly pings: Pings
  measure(entry: Entry): void
  /** Nobody was heard from its start to its end. */
  failed(entry: Entry, check: Check): void
  passed(entry: Entry, check: Check): void
}

/** Until a dial is tried again that could not be made: what was busy here has had time to settle. */
const UNDECIDED_PAUSE_MS = 1_000

export class Checks {
  readonly #inside: Inside
  readonly #ports: ChecksPorts
  #dials = 0

  constructor(inside: Inside, ports: ChecksPorts) {
    this.#inside = inside
    this.#ports = ports
  }

  /** Instead of any that runs. */
  begin(entry: Entry, kind: CheckKind, afterMs: number): void {
    entry.check = newCheck(kind, this.#inside.at + afterMs)
    this.#inside.touch(entry)
  }

  /** Its time may have come. */
  step(entry: Entry): void {
    const { check } = entry
    const { at } = this.#inside
    if (check === undefined || at < check.startAt) return
    this.#inside.touch(entry)
    if (entry.provedAt >= check.startAt && check.kind !== 'lost') {
      this.#end(entry, check)
      return
    }
    if (pingAt(check) <= at) {
      check.pings += 1
      this.#ports.pings.send(entry)
    }
    if (askAt(check) <= at) {
      check.asked = true
      this.#ports.measure(entry)
    }
    if (check.redialAt <= at) this.#dial(entry, check)
    if (overAt(check) <= at) this.#end(entry, check)
  }

  /** Its end only the dial itself tells: the peer connects or is heard, or `dialFailed` is called. */
  dial(entry: Entry, timeoutMs: number): number {
    this.#dials += 1
    this.#inside.effect({ type: 'check', peer: entry.peer, check: this.#dials, timeoutMs: Math.ceil(timeoutMs) })
    return this.#dials
  }

  dialFailed(entry: Entry, dial: number, detail: string): void {
    const { check } = entry
    if (check?.dial !== dial) return
    const { at, limits, random } = this.#inside
    check.dial = undefined
    check.detail = detail
    const deadline = check.startAt + limits.checkTimeoutMs
    const pause = limits.retryPauseMs * (1 + random() / 2)
    if (check.kind === 'lost' && check.dials < MAX_DIALS && at + pause < deadline) check.redialAt = at + pause
    this.step(entry)
  }

  /** It says nothing about the peer. */
  dialUndecided(entry: Entry, dial: number): void {
    const { check } = entry
    if (check?.dial !== dial) return
    check.dial = undefined
    if (check.kind === 'lost' || check.kind === 'doubted') this.begin(entry, check.kind, UNDECIDED_PAUSE_MS)
    else this.step(entry)
  }

  #dial(entry: Entry, check: Check): void {
    const { at } = this.#inside
    check.redialAt = Number.POSITIVE_INFINITY
    if ((entry.link !== undefined && check.kind !== 'doubted') || (check.kind === 'return' && !entry.wasLinked)) return
    check.dials += 1
    check.dial = this.dial(entry, Math.max(1, this.#dialUntil(entry, check) - at))
  }

  /** Of an accused peer the verdict waits for nothing but its time to speak up, and for the rest of the check. */
  #dialUntil({ suspicion }: Entry, { kind, startAt }: Check): number {
    const { checkTimeoutMs, refuteMs } = this.#inside.limits
    if (kind !== 'doubted') return startAt + checkTimeoutMs
    return Math.max(startAt + CHECK_MS, (suspicion?.since ?? startAt) + refuteMs)
  }

  #end(entry: Entry, check: Check): void {
    entry.check = undefined
    entry.checkedAt = this.#inside.at
    if (entry.provedAt >= check.startAt) this.#ports.passed(entry, check)
    else this.#ports.failed(entry, check)
  }
}
