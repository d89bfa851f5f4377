/**
 * Who is accused, and when that makes a peer offline (SWIM §4.2, Lifeguard §IV.B).
 *
 * To whom a control connection stands is checked by a check of our own, and is offline when that failed and 1.8 s went by in which it could speak
 * up. Anybody else is offline when the time of suspicion is over and this peer got no answer either, or at least four accuse it: no single accuser
 * takes anybody offline. Any sign of life ends a suspicion, and so does the peer's own newer word.
 */
import { type Rate, take } from './allowance.js'
import { CACHE_MS, CHECK_MS, SPREAD_MS } from './check.js'
import type { Checks } from './checks.js'
import type { Inside } from './inside.js'
import type { Entry } from './member.js'
import type { Presence } from './presence.js'
import type { Statement } from './statements.js'
import { accused, confirmationsOf, isNewAccuser, suspicionTimeMs } from './suspicion.js'

interface SuspectsPorts {
  readonly presence: Presence
  readonly checks: Checks
  /** Key of this peer. */
  readonly self: string
  readonly sign: (subject: Entry) => Statement
  readonly spread: (statement: Statement) => void
}

/** Of one accuser. A peer that sees many crash at once accuses one in each period. */
const ACCUSATIONS: Rate = { everyMs: 500, burst: 20 }

export class Suspects {
  readonly #inside: Inside
  readonly #ports: SuspectsPorts
  /** Not everybody asks an accused peer at the same moment. */
  readonly #early: number

  constructor(inside: Inside, ports: SuspectsPorts) {
    this.#inside = inside
    this.#ports = ports
    this.#early = inside.random() * SPREAD_MS
  }

  /** Whether an accusation would say anything new. */
  isNews(subject: Entry, accuser: Entry): boolean {
    return subject.state !== 'offline' && isNewAccuser(subject.suspicion, accuser.key, this.#inside.at)
  }

  /** Takes one of its allowance. */
  mayAccuse(accuser: Entry): boolean {
    const allowed = take(accuser.accusesAt, this.#inside.at, ACCUSATIONS)
    if (allowed !== undefined) accuser.accusesAt = allowed
    return allowed !== undefined
  }

  /** Somebody else's, whose signature is good. */
  accusedBy(subject: Entry, accuser: Entry, statement: Statement): void {
    const { at } = this.#inside
    if (!this.mayAccuse(accuser)) return
    subject.suspicion = accused(subject.suspicion, accuser.key, statement, at)
    this.#ports.spread(statement)
    // It may be out of reach of others' datagrams.
    if (subject.link !== undefined) this.#inside.send(subject, { type: 'statements' }, [statement])
    this.#open(subject, `${accuser.peer.short} gets no answer from it`)
  }

  /** A probe found nobody, or a check did: to whom a connection stands, only the latter is a reason for a verdict. */
  accuse(subject: Entry, { checked }: { checked: boolean }): void {
    const { at, health } = this.#inside
    if (subject.state === 'offline' || at < health.noVerdictsUntil) return
    const news = isNewAccuser(subject.suspicion, this.#ports.self, at)
    const statement = this.#ports.sign(subject)
    subject.suspicion = accused(subject.suspicion, this.#ports.self, statement, at)
    if (checked || subject.link === undefined) subject.suspicion.ownFailed = true
    if (news) {
      this.#ports.spread(statement)
      this.#inside.send(subject, { type: 'statements' }, [statement])
    }
    this.#open(subject, 'it answers neither datagrams nor a connection')
  }

  /** Its time may be over. */
  judge(entry: Entry): void {
    const { suspicion } = entry
    const { at, health } = this.#inside
    if (suspicion === undefined || suspicion.cleared || entry.state !== 'checking') return
    if (at < this.judgeAt(entry)) return
    if (at < health.noVerdictsUntil) return
    if (entry.link !== undefined) {
      if (suspicion.ownFailed)
        this.#ports.presence.offline(entry, 'unreachable', 'neither datagrams nor the connection were answered')
      else if (entry.check === undefined) this.#ports.checks.begin(entry, 'doubted', 0)
    } else if (suspicion.ownFailed || this.#isConfirmed(entry)) {
      if (at >= this.#endOf(entry))
        this.#ports.presence.offline(entry, 'suspected', entry.detail ?? 'others get no answer from it')
    } else if (entry.check === undefined) {
      this.#ports.checks.begin(entry, 'last', 0)
    }
  }

  /** When to judge next; infinite while a check decides that. */
  judgeAt(entry: Entry): number {
    const { suspicion } = entry
    const { health, limits } = this.#inside
    if (suspicion === undefined || suspicion.cleared || entry.state !== 'checking') return Number.POSITIVE_INFINITY
    let due: number
    if (entry.link !== undefined) due = suspicion.ownFailed ? suspicion.since + limits.refuteMs : suspicion.since
    else if (suspicion.ownFailed || this.#isConfirmed(entry)) due = this.#endOf(entry)
    else due = this.#endOf(entry) - CHECK_MS - this.#early
    if (entry.check !== undefined && !suspicion.ownFailed && !this.#isConfirmed(entry)) return Number.POSITIVE_INFINITY
    return Math.max(due, health.noVerdictsUntil)
  }

  /** A check of a suspected peer found nobody. */
  checkFailed(entry: Entry, { accuse }: { accuse: boolean }): void {
    if (accuse) this.accuse(entry, { checked: true })
    else if (entry.suspicion !== undefined) entry.suspicion.ownFailed = true
    this.judge(entry)
  }

  #open(entry: Entry, detail: string): void {
    const { at, random } = this.#inside
    this.#inside.touch(entry)
    if (entry.state === 'online') this.#ports.presence.doubt(entry, 'suspected', detail)
    if (entry.link === undefined || entry.check !== undefined || entry.suspicion?.ownFailed === true) return
    const cached = entry.checkedAt + CACHE_MS - at
    this.#ports.checks.begin(entry, 'doubted', Math.max(random() * SPREAD_MS, cached))
  }

  #endOf({ suspicion }: Entry): number {
    if (suspicion === undefined) return Number.POSITIVE_INFINITY
    return suspicion.since + suspicionTimeMs(confirmationsOf(suspicion), this.#inside.limits)
  }

  #isConfirmed({ suspicion }: Entry): boolean {
    return suspicion !== undefined && confirmationsOf(suspicion) >= this.#inside.limits.confirmations
  }
}
