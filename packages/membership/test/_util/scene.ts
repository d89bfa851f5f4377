/** A state and the peers around it, as values: what they send is packed as they would pack it, what it sends is read back as lines. */
import type { PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import type { Effect, Input } from '../../src/events.js'
import { type Message, packMessage, readPacket } from '../../src/messages.js'
import type { MembershipLimits } from '../../src/options.js'
import { MembershipState } from '../../src/state.js'
import { type Statement, type StatementKind, signStatement } from '../../src/statements.js'
import { type Person, person } from './people.js'

const KINDS = ['SUSPECT', 'ALIVE', 'LEAVE'] as const

export class Scene {
  readonly self: Person = person('self')
  readonly state: MembershipState
  now = 0
  /** Everything since the last look, as `12 ms: text`. */
  readonly #lines: string[] = []
  readonly #sent: { to: PeerId; bytes: Uint8Array; at: number }[] = []
  #wakeAt = Number.POSITIVE_INFINITY
  readonly #names = new Map<string, string>()

  constructor(limits: MembershipLimits = {}, random: () => number = () => 0.5, incarnation = 1_000) {
    this.state = new MembershipState({ ...limits, identity: this.self.identity, random, incarnation })
    this.#names.set(keyOfBytes(this.self.id.bytes), 'self')
  }

  give(input: Input): readonly Effect[] {
    const effects = this.state.handle(input, this.now)
    for (const effect of effects) this.#note(effect)
    return effects
  }

  meet(...people: Person[]): void {
    for (const { id, record } of people) {
      this.#names.set(keyOfBytes(id.bytes), record.name)
      this.give({ type: 'met', peer: id, record })
    }
  }

  connect({ id, record }: Person, link: number): void {
    this.#names.set(keyOfBytes(id.bytes), record.name)
    this.give({ type: 'connected', peer: id, link, record })
  }

  packet(from: Person, message: Message, statements: Statement[] = [], incarnation = 1): void {
    this.give({ type: 'packet', from: from.id, bytes: packMessage(message, incarnation, statements), by: 'datagram' })
  }

  tell(from: Person, ...statements: Statement[]): void {
    this.packet(from, { type: 'statements' }, statements)
  }

  say(kind: StatementKind, signer: Person, incarnation: number, subject: Person = signer): Statement {
    return signStatement(signer.identity, kind, subject.id, incarnation)
  }

  /** Lets time pass, with the wakes that were asked for. `meanwhile` answers what was sent, if it likes. */
  advance(ms: number, meanwhile: (sent: { to: PeerId; message: Message | undefined }) => void = () => {}): void {
    const until = this.now + ms
    while (this.#wakeAt <= until) {
      this.now = Math.max(this.now, this.#wakeAt)
      this.#wakeAt = Number.POSITIVE_INFINITY
      const from = this.#sent.length
      this.give({ type: 'wake' })
      for (const { to, bytes } of this.#sent.slice(from)) meanwhile({ to, message: readPacket(bytes).message })
    }
    this.now = until
  }

  /** Time that passes without this machine: the wake comes late. */
  stall(ms: number): void {
    this.now += ms
    if (this.#wakeAt > this.now) return
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.give({ type: 'wake' })
  }

  stateOf({ id }: Person): string | undefined {
    return this.state.get(id)?.state
  }

  /** What was told of peers since the last call. */
  events(): string[] {
    return this.#lines.splice(0)
  }

  /** What was sent since the last call, as `ping anna` or `SUSPECT carla by self → anna`. */
  sent(): string[] {
    return this.#sent.splice(0).flatMap(({ to, bytes }) => {
      const name = this.#nameOf(keyOfBytes(to.bytes))
      const { message, statements } = readPacket(bytes)
      const told = statements.map(({ kind, subject, signer }) => {
        const by = kind === 0 ? ` by ${this.#nameOf(signer)}` : ''
        return `${KINDS[kind]} ${this.#nameOf(subject)}${by} → ${name}`
      })
      return message?.type === 'statements' ? told : [`${message?.type} ${name}`, ...told]
    })
  }

  /** The last packet to that peer. */
  lastTo({ id }: Person): ReturnType<typeof readPacket> | undefined {
    const found = this.#sent.findLast(({ to }) => to.equals(id))
    return found && readPacket(found.bytes)
  }

  #nameOf(key: string): string {
    return this.#names.get(key) ?? 'somebody'
  }

  #note(effect: Effect): void {
    if (effect.type === 'wake') this.#wakeAt = this.now + effect.after
    else if (effect.type === 'send') this.#sent.push({ to: effect.to, bytes: effect.bytes, at: this.now })
    else if (effect.type === 'emit') {
      const { event } = effect
      const why = 'reason' in event ? ` (${event.reason})` : ''
      this.#lines.push(`${event.record.name} ${event.type}${why}`)
    } else if (effect.type === 'check') this.#lines.push('dial')
    else if (effect.type === 'refused') this.#lines.push('refused')
  }
}
