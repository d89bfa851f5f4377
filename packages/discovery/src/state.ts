/**
 * The rules of discovery: what is heard, time and connections in; announcements, answers and hints out. No sockets, no
 * clock, no keys. The driver looks at `wakeAt` after each input and comes back with a `timer` input then.
 *
 * Active → passive: a search announces eight times within 32 s and goes on rarely afterwards, for ever. It starts anew when
 * the interfaces change and when the last connection ends.
 */
import type { Address, Random } from '@pc/transport'
import { type AnnouncementBody, NONCE_BYTES } from './announcement.js'
import { Answers } from './answers.js'
import { hexOf } from './keys.js'
import { type Phase, Schedule } from './schedule.js'
import { type HintSource, type Sighting, Sightings } from './sightings.js'

/** Boot ids are hexadecimal here. */
export type Input =
  | { type: 'start' }
  | { type: 'timer' }
  | { type: 'heard'; body: AnnouncementBody; bootId: string; from: Address; interfaceName: string | undefined }
  | { type: 'connected'; bootId: string }
  | { type: 'disconnected'; bootId: string }
  | { type: 'interfaces-changed' }

export type Effect =
  | { type: 'announce'; epoch: number; estimate: number; nonce: Uint8Array }
  | { type: 'answer'; to: Address; epoch: number; estimate: number; nonce: Uint8Array }
  | { type: 'hint'; hint: Sighting }

/** What happened since the start. */
export interface DiscoveryCounters {
  announcements: number
  answers: number
  /** Not answered, because of the limits. */
  answersLimited: number
  /** Answers to nothing that was asked lately: replayed, invented or far too late. */
  answersUnasked: number
  hints: number
}

/** Members recognise a blinded id; for others it changes this often. */
export const EPOCH_MS = 600_000
const NONCE_LIFE_MS = 5_000 // answers are delayed by at most 250 ms; the rest is for the slowest of networks
const MAX_NONCES = 16

export class DiscoveryState {
  readonly counters: DiscoveryCounters = {
    announcements: 0,
    answers: 0,
    answersLimited: 0,
    answersUnasked: 0,
    hints: 0,
  }
  readonly #random: Random
  readonly #schedule: Schedule
  readonly #answers: Answers
  readonly #sightings: Sightings
  readonly #connected = new Set<string>()
  readonly #firstEpoch: number
  #startedAt = 0
  /** Nonces of our latest announcements with the time they were sent, oldest first. */
  #nonces: { key: string; at: number }[] = []

  constructor(options: { random: Random }) {
    this.#random = options.random
    const float = (): number => options.random.float()
    this.#schedule = new Schedule(float)
    this.#answers = new Answers(float)
    this.#sightings = new Sightings(float)
    this.#firstEpoch = Math.floor(float() * 2 ** 32)
  }

  get phase(): Phase {
    return this.#schedule.phase
  }

  /** Boots that count as connected. */
  get connected(): number {
    return this.#connected.size
  }

  /** Boots heard of and not forgotten. */
  get sightings(): number {
    return this.#sightings.size
  }

  /** When the next `timer` input is due; infinite if none is. */
  get wakeAt(): number {
    return Math.min(this.#schedule.dueAt, this.#answers.dueAt, this.#sightings.dueAt)
  }

  handle(input: Input, now: number): Effect[] {
    switch (input.type) {
      case 'start':
        this.#startedAt = now
        this.#schedule.search(now)
        return []
      case 'timer':
        return this.#onTimer(now)
      case 'heard':
        return input.body.wantsAnswers ? this.#onAnnouncement(input, now) : this.#onAnswer(input, now)
      case 'connected':
        this.#connected.add(input.bootId)
        this.#sightings.reset(input.bootId)
        return []
      case 'disconnected':
        return this.#onDisconnected(input.bootId, now)
      case 'interfaces-changed':
        this.#schedule.search(now)
        return []
      default:
        input satisfies never
        return []
    }
  }

  #onTimer(now: number): Effect[] {
    const effects: Effect[] = []
    const epoch = this.#epoch(now)
    const estimate = this.#connected.size
    if (this.#schedule.dueAt <= now) {
      const nonce = this.#freshNonce(now)
      this.#schedule.announced(now, this.#connected.size)
      this.counters.announcements++
      effects.push({ type: 'announce', epoch, estimate, nonce })
    }
    for (const { to, nonce } of this.#answers.take(now)) {
      this.counters.answers++
      effects.push({ type: 'answer', to, epoch, estimate, nonce })
    }
    for (const sighting of this.#sightings.take(now)) effects.push(this.#hint(sighting))
    return effects
  }

  #onAnnouncement(input: Input & { type: 'heard' }, now: number): Effect[] {
    const { body, bootId, from } = input
    const connectedToAsker = this.#connected.has(bootId)
    const to = { host: from.host, port: body.port }
    const question = { to, nonce: body.nonce, connectedToAsker }
    const decision = this.#answers.ask(question, this.#connected.size, now)
    if (decision === 'limited') this.counters.answersLimited++
    if (!connectedToAsker) {
      this.#sightings.announced(sightingOf(input, 'announcement'), now, decision === 'granted')
    }
    return []
  }

  #onAnswer(input: Input & { type: 'heard' }, now: number): Effect[] {
    const key = hexOf(input.body.nonce)
    if (!this.#nonces.some((nonce) => nonce.key === key && now - nonce.at <= NONCE_LIFE_MS)) {
      this.counters.answersUnasked++
      return []
    }
    if (this.#connected.has(input.bootId)) return []
    const hint = this.#sightings.answered(sightingOf(input, 'answer'), now)
    return hint === undefined ? [] : [this.#hint(hint)]
  }

  #onDisconnected(bootId: string, now: number): Effect[] {
    if (!this.#connected.delete(bootId)) return []
    this.#sightings.reset(bootId)
    if (this.#connected.size === 0) this.#schedule.search(now)
    return []
  }

  #hint(hint: Sighting): Effect {
    this.counters.hints++
    return { type: 'hint', hint }
  }

  #freshNonce(now: number): Uint8Array {
    const nonce = this.#random.bytes(NONCE_BYTES)
    this.#nonces.push({ key: hexOf(nonce), at: now })
    if (this.#nonces.length > MAX_NONCES) this.#nonces.shift()
    return nonce
  }

  #epoch(now: number): number {
    return (this.#firstEpoch + Math.floor((now - this.#startedAt) / EPOCH_MS)) % 2 ** 32
  }
}

function sightingOf({ body, bootId, from, interfaceName }: Input & { type: 'heard' }, source: HintSource): Sighting {
  const address = { host: from.host, port: body.port }
  return { bootId, address, blindedId: body.blindedId, epoch: body.epoch, source, interfaceName }
}
