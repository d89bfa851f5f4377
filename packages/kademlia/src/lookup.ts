/**
 * The iterative lookup (Maymounkov and Mazières 2002, §2.3), over disjoint paths if wanted (S/Kademlia, Baumgart and Mies 2007, §4.4):
 * finds the peers nearest to a target that answer. Pure: `next` says whom to ask or until when to wait, `answered` and `failed` tell it
 * what came of that. Asking, repeating and giving up a request are the driver's, who also stops it when a value was found.
 *
 * Paths: each begins with its own share of our contacts, learns only from those it asks itself, and asks nobody whom another path has
 * asked. It counts what came of them, though, so that all paths together ask the nearest peers once.
 */
import type { Contact } from './contact.js'
import { atSameAddress, type Candidate, compareCandidate } from './lookup-candidate.js'
import { type LookupOptions, type ResolvedLookupOptions, resolveLookupOptions } from './lookup-options.js'
import { LookupPath, type SharedByPaths } from './lookup-path.js'
import { stageEndsAt, usableTimeout, waitingStage } from './lookup-timing.js'
import { compareDistance, type Position } from './position.js'

export type LookupStep =
  /** Send that contact a request, then ask again what is next. */
  | { readonly type: 'ask'; readonly contact: Contact }
  /** Nothing to do until the next answer or failure, or this time, which is later than now. */
  | { readonly type: 'wait'; readonly until: number }
  /** It is over. What comes now counts no more. */
  | { readonly type: 'done' }

/** Where a lookup begins. */
export interface LookupStart {
  readonly target: Position
  /** From our own table, in any order; dealt out to the paths nearest first. Each path keeps 3 · `count`. */
  readonly seeds: readonly Contact[]
  readonly options?: LookupOptions | undefined
}

export interface LookupProgress {
  /** Requests. */
  readonly asked: number
  /** Peers that answered. */
  readonly answered: number
  /** Requests that failed. */
  readonly failed: number
  /** Requests that were not answered within the time-out of the contact. */
  readonly slow: number
  /** Of the nearest that answered: 1 if it was in our own table, 2 if one of those knew it, and so on; 0 if nobody answered. */
  readonly hops: number
}

export class Lookup {
  readonly #target: Position
  readonly #options: ResolvedLookupOptions
  readonly #shared: SharedByPaths
  readonly #paths: readonly LookupPath[]
  /** Asked, and neither answered, failed nor abandoned. */
  readonly #waiting = new Set<Candidate>()
  /** One for each peer that answered, in the order of answers. */
  readonly #answered: Candidate[] = []
  /** The path whose turn it is to ask. */
  #turn = 0
  /** Before then no request changes by itself. */
  #wakeAt = Number.POSITIVE_INFINITY
  #done = false
  #asked = 0
  #failed = 0
  #slow = 0

  /** @throws KademliaError BAD_OPTION */
  static create({ target, seeds, options = {} }: LookupStart): Lookup {
    return new Lookup(target, seeds, resolveLookupOptions(options))
  }

  private constructor(target: Position, seeds: readonly Contact[], options: ResolvedLookupOptions) {
    this.#target = target
    this.#options = options
    this.#shared = { options, asked: new Map(), answers: 0 }
    this.#paths = Array.from({ length: options.paths }, () => new LookupPath(target, this.#shared))
    const others = seeds.filter(({ key }) => key !== options.self)
    others.sort((a, b) => compareDistance(target, a.position, b.position))
    for (const [index, seed] of others.entries()) this.#paths[index % options.paths]?.start(seed)
  }

  /** What to do now. To be called until it says `wait` or `done`, at the start and after each answer, failure and wait. */
  next(now: number): LookupStep {
    this.#advance(now)
    if (this.#done) return { type: 'done' }
    let waits = false
    for (let count = this.#paths.length; count > 0; count--) {
      const path = this.#paths[this.#turn]
      this.#turn = (this.#turn + 1) % this.#paths.length
      const step = path?.next() ?? 'done'
      if (step === 'wait') waits = true
      else if (step !== 'done') {
        path?.asked(step)
        return this.#ask(step, now)
      }
    }
    if (waits) {
      this.#wakeAt = this.#nextChange()
      return { type: 'wait', until: this.#wakeAt }
    }
    this.#done = true
    return { type: 'done' }
  }

  /**
   * The contact of an `ask` step has answered, and hinted at others. Late answers count until the lookup is done, unless they were
   * said to have failed. What nobody was asked for is ignored.
   */
  answered(contact: Contact, hints: readonly Contact[], now: number): void {
    const candidate = this.#settle(contact, now)
    if (candidate === undefined) return
    candidate.state = 'answered'
    this.#shared.answers++
    const { first, second } = candidate
    if (first?.state !== 'answered' && second?.state !== 'answered') this.#answered.push(candidate)
    candidate.path?.learn(hints, candidate)
  }

  /** The contact of an `ask` step does not answer. */
  failed(contact: Contact, now: number): void {
    const candidate = this.#settle(contact, now)
    if (candidate === undefined) return
    candidate.state = 'failed'
    this.#failed++
    for (const path of this.#paths) path.failed(candidate)
  }

  /** Ends it, because what was looked for is found. */
  stop(): void {
    this.#done = true
  }

  /** The `count` nearest of those that answered so far, nearest first, each at the address where it answered first. */
  result(): Contact[] {
    const sorted = this.#answered.toSorted((a, b) => compareCandidate(this.#target, a, b.contact, b.distance))
    return sorted.slice(0, this.#options.count).map(({ contact }) => contact)
  }

  get progress(): LookupProgress {
    let nearest: Candidate | undefined
    for (const each of this.#answered) {
      if (nearest === undefined || compareCandidate(this.#target, each, nearest.contact, nearest.distance) < 0) {
        nearest = each
      }
    }
    return {
      asked: this.#asked,
      answered: this.#answered.length,
      failed: this.#failed,
      slow: this.#slow,
      hops: nearest?.hops ?? 0,
    }
  }

  #ask(candidate: Candidate, now: number): LookupStep {
    candidate.askedAt = now
    candidate.timeoutMs = usableTimeout(this.#options.slowAfterMs(candidate.contact))
    this.#wakeAt = Math.min(this.#wakeAt, now + candidate.timeoutMs)
    this.#waiting.add(candidate)
    this.#asked++
    return { type: 'ask', contact: candidate.contact }
  }

  /** Lets time pass for all requests under way. */
  #advance(now: number): void {
    if (now < this.#wakeAt) return
    for (const each of this.#waiting) {
      const stage = waitingStage(now, each.askedAt, each.timeoutMs)
      if (each.state === 'asked' && stage !== 'asked') {
        this.#slow++
        each.path?.released()
      }
      each.state = stage
      if (stage === 'abandoned') this.#waiting.delete(each)
    }
    this.#wakeAt = this.#nextChange()
  }

  /** When the next request gets into another stage; whether it is abandoned makes a difference only if nobody has answered. */
  #nextChange(): number {
    let at = Number.POSITIVE_INFINITY
    for (const { state, askedAt, timeoutMs } of this.#waiting) {
      if (state === 'asked' || state === 'slow' || (state === 'excused' && this.#shared.answers === 0)) {
        at = Math.min(at, stageEndsAt(state, askedAt, timeoutMs))
      }
    }
    return at
  }

  /** The candidate that was asked as that contact and has neither answered nor failed; it waits no more. */
  #settle(contact: Contact, now: number): Candidate | undefined {
    this.#advance(now)
    const first = this.#shared.asked.get(contact.key)
    const candidate = [first, first?.second].find((each) => each !== undefined && atSameAddress(each.contact, contact))
    if (this.#done || candidate === undefined) return undefined
    if (candidate.state === 'answered' || candidate.state === 'failed') return undefined
    if (candidate.state === 'asked') candidate.path?.released()
    this.#waiting.delete(candidate)
    return candidate
  }
}
