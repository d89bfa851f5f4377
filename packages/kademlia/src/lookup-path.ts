/**
 * One path of a lookup (Maymounkov and Mazières 2002, §2.3): it asks the nearest candidates it knows, few at a time, until the nearest
 * of all have answered. The last round goes to all of those at once. The paper sends it when a round brought nothing nearer; here it is
 * sent as soon as the nearest candidate of all has answered and knew nothing nearer, since nobody knows its neighbours better, or
 * `parallelism` answers in a row brought nothing nearer. Something nearer ends the last round until that has answered, too.
 */
import { type Contact, MAX_HINTS } from './contact.js'
import type { Candidate } from './lookup-candidate.js'
import type { ResolvedLookupOptions } from './lookup-options.js'
import { Shortlist } from './lookup-shortlist.js'
import type { Position } from './position.js'

/** What the paths of a lookup have in common. */
export interface SharedByPaths {
  readonly options: ResolvedLookupOptions
  /** Who was asked, at the first address, by key: asked by one path, nobody is asked by another. */
  readonly asked: Map<string, Candidate>
  /** Requests that were answered. */
  answers: number
}

export class LookupPath {
  readonly #shared: SharedByPaths
  readonly #shortlist: Shortlist
  #requests = 0
  /** Those under way that are not slow. */
  #pending = 0
  /** Answers in a row that brought nothing nearer. */
  #fruitless = 0

  constructor(target: Position, shared: SharedByPaths) {
    this.#shared = shared
    this.#shortlist = new Shortlist(target, 3 * shared.options.count, shared.options.perAddress)
  }

  /** A contact of our own table. */
  start(contact: Contact): void {
    this.#shortlist.add(contact, undefined)
  }

  /** Whom to ask now, if anybody. After `done` a late answer may still bring more to ask. */
  next(): Candidate | 'wait' | 'done' {
    const { candidates } = this.#shortlist
    const { count, parallelism, maxRequests } = this.#shared.options
    let counted = 0
    let waits = false
    let lastRound = this.#fruitless >= parallelism
    for (let index = 0; index < candidates.length && counted < count; index++) {
      const each = candidates[index]
      if (each === undefined || isShadowed(each)) continue
      const { state, path } = answerOf(each)
      if (state === 'known') {
        if (this.#knownElsewhere(each, index)) index--
        else if (this.#requests < maxRequests) return lastRound || this.#pending < parallelism ? each : 'wait'
        continue
      }
      if (state === 'answered' && counted === 0 && path === this) lastRound = true
      if (state === 'asked' || state === 'answered') counted++
      if (state === 'asked' || state === 'slow') waits = true
      // Better late than nothing: as long as nobody at all has answered, nobody is excused.
      if (state === 'excused' && this.#shared.answers === 0) waits = true
    }
    return waits ? 'wait' : 'done'
  }

  /** That candidate is asked now. */
  asked(candidate: Candidate): void {
    candidate.path = this
    candidate.state = 'asked'
    this.#requests++
    this.#pending++
    if (candidate.first === undefined) this.#shared.asked.set(candidate.contact.key, candidate)
    else candidate.first.second = candidate
  }

  /** A request of this path is answered, failed or slow: another one may go. */
  released(): void {
    this.#pending--
  }

  /** What a candidate of this path answered. Hints beyond `MAX_HINTS` are ignored. */
  learn(hints: readonly Contact[], informer: Candidate): void {
    const { self } = this.#shared.options
    const length = Math.min(hints.length, MAX_HINTS)
    let nearer = false
    for (let index = 0; index < length; index++) {
      const hint = hints[index]
      if (hint !== undefined && hint.key !== self && this.#shortlist.add(hint, informer)) nearer = true
    }
    this.#fruitless = nearer ? 0 : this.#fruitless + 1
  }

  /** A candidate has failed, of this path or of another. */
  failed(candidate: Candidate): void {
    this.#shortlist.failed(candidate)
  }

  /** Looks whether another path has asked that peer, and puts what came of it in its place. */
  #knownElsewhere(candidate: Candidate, index: number): boolean {
    const known = this.#shared.asked.get(candidate.contact.key)
    if (known === undefined) return false
    if (candidate.first === undefined) this.#shortlist.replace(index, known)
    else if (known.second === undefined) return false
    else this.#shortlist.drop(index)
    return true
  }
}

/** The one of a peer's two addresses that he answered at; the first as long as he has not. */
function answerOf(candidate: Candidate): Candidate {
  return candidate.second?.state === 'answered' ? candidate.second : candidate
}

/** Whether the same peer counts, or may soon count, by the address before. */
function isShadowed({ state, first }: Candidate): boolean {
  if (first === undefined) return false
  return state === 'answered' || first.state === 'known' || first.state === 'asked' || first.state === 'answered'
}
