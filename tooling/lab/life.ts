/** One process of a simulated machine: a whole peer, unchanged, with a book of everything it was asked and saw. */
import type { Identity, PeerId } from '@pc/identity'
import { createPeer, type Peer, type PeerEvent, type PeerOptions } from '@pc/peer'
import type { SeededRandom, SimulatedHost, TestLogger } from '@pc/testkit'
import type { Value } from '@pc/wire'
import { type Claims, codeOf, readClaims } from './claims.js'
import type { Attempt, Presence } from './history.js'
import type { Recorder } from './recorder.js'
import { OpenCount, watched } from './watched-protocol.js'

export interface LifeParts {
  /** `anna#2`. */
  readonly key: string
  readonly machine: string
  readonly identity: Identity
  readonly host: SimulatedHost<PeerId>
  readonly random: SeededRandom
  readonly recorder: Recorder
  readonly logger: TestLogger
  /** Virtual ms of the network. */
  readonly now: () => number
  readonly options: Partial<PeerOptions>
}

/** Somebody to call. */
export interface Target {
  readonly name: string
  readonly id: PeerId
}

export interface CallOptions {
  /** @default 30000 for a message, 1000 (the weather's) for a request or ping */
  readonly timeoutMs?: number
  /** Bytes of text in the payload. @default 0 */
  readonly bytes?: number
  /** Gives the call up after so many ms. */
  readonly cancelAfterMs?: number
}

const SEND_MS = 30_000
/** A request has 1 s. */
const REQUEST_MS = 1_000
const WORK = 'lab/work'

export class Life {
  readonly key: string
  readonly open = new OpenCount()
  /** How long the handler of requests takes, ms; drawn around it. Raise it to make answers late. */
  workMs = 1
  readonly #parts: LifeParts
  #peer: Peer | undefined
  #over = false

  /** Use {@link Life.start}. */
  private constructor(parts: LifeParts) {
    this.#parts = parts
    this.key = parts.key
  }

  /** Starts the peer; `onStarted` has it before anything else can happen to it. */
  static async start(parts: LifeParts, announce: (life: Life) => void): Promise<Life> {
    const life = new Life(parts)
    announce(life)
    await life.#start()
    return life
  }

  /** @throws Error before it has started */
  get peer(): Peer {
    if (this.#peer === undefined) throw new Error(`${this.key} has not started yet: await its start()`)
    return this.#peer
  }

  /** It has started, and neither ended nor begun to. */
  get running(): boolean {
    return this.#peer !== undefined && !this.#over
  }

  /** No call is made from here on. */
  markOver(): void {
    this.#over = true
  }

  send(to: Target, options: CallOptions = {}): Promise<Attempt> {
    const timeoutMs = options.timeoutMs ?? SEND_MS
    return this.#book('message', to, { ...options, timeoutMs }, async (payload, signal) => {
      const receipt = await this.peer.send(to.id, 'text', JSON.stringify(payload), { timeoutMs, ...signal })
      await receipt.acknowledged
      return undefined
    })
  }

  request(to: Target, options: CallOptions = {}): Promise<Attempt> {
    const timeoutMs = options.timeoutMs ?? REQUEST_MS
    return this.#book('request', to, { ...options, timeoutMs }, async (payload, signal) => {
      const answer = await this.peer.request(to.id, WORK, payload, { timeoutMs, ...signal })
      return answer === payload.number ? undefined : JSON.stringify(answer)
    })
  }

  ping(to: Target, options: CallOptions = {}): Promise<Attempt> {
    const timeoutMs = options.timeoutMs ?? REQUEST_MS
    return this.#book('ping', to, { ...options, timeoutMs }, async (_payload, signal) => {
      await this.peer.ping(to.id, { timeoutMs, ...signal })
      return undefined
    })
  }

  /** What it says of the machine with that id. */
  stateOf(id: PeerId): string | undefined {
    const text = id.toString()
    return this.peer.peers().find((view) => view.id === text)?.state
  }

  /** What it says of everybody, by id: for who asks about many. */
  states(): ReadonlyMap<string, string> {
    return new Map(this.peer.peers().map(({ id, state }) => [id, state]))
  }

  async #start(): Promise<void> {
    const { identity, host, random, recorder, machine, logger, now, options } = this.#parts
    const peer = await createPeer({
      identity,
      name: machine,
      protocol: watched(host, this.open),
      clock: host.clock,
      random,
      logger,
      logIds: 'full',
      messaging: {
        journal: ({ id, from, payload }) => {
          const claims = readClaims(payload)
          recorder.stored({ by: this.key, at: now(), id, provedFrom: this.#nameOf(from), claims })
        },
      },
      ...options,
    })
    const events = peer.events()
    peer.handle(WORK, { access: 'anyone', concurrency: 64, queue: 1_024 }, async (input, { peer: from }) => {
      const claims = readClaims(input)
      recorder.executed({ by: this.key, at: now(), provedFrom: this.#nameOf(from), claims })
      await new Promise<void>((resolve) => void host.clock.setTimeout(resolve, random.exponential(this.workMs)))
      return claims.number
    })
    for (const view of peer.peers()) this.#saw('known', view.id, view.name, view.state)
    void this.#watch(events)
    this.#peer = peer
  }

  async #watch(events: AsyncIterable<PeerEvent>): Promise<void> {
    for await (const event of events) {
      if (event.type === 'forgotten') this.#saw('forgotten', event.id.toString())
      else if ('peer' in event && event.type !== 'name-conflict') this.#saw(event.type, event.peer.id, event.peer.name)
    }
  }

  #saw(kind: Presence['kind'], id: string, name?: string, state?: 'online' | 'checking' | 'offline'): void {
    const { recorder, now } = this.#parts
    const about = recorder.history.ids.get(id) ?? id
    recorder.presence({ by: this.key, about, at: now(), kind, ...(state === undefined ? {} : { state }) })
    if (name !== undefined) recorder.shown({ by: this.key, at: now(), id, name })
  }

  /** Never rejects: what came of it is in the book. */
  async #book(
    kind: Attempt['kind'],
    to: Target,
    options: CallOptions & { timeoutMs: number },
    call: (payload: Claims & { [key: string]: Value }, signal: { signal?: AbortSignal }) => Promise<string | undefined>,
  ): Promise<Attempt> {
    const { recorder, host, now } = this.#parts
    const { clock } = host
    const { timeoutMs, bytes = 0, cancelAfterMs } = options
    const attempt = recorder.attempt({ kind, from: this.key, to: to.name, at: now(), timeoutMs })
    const startedAt = clock.now()
    const cancel = new AbortController()
    const giveUp = (): void => cancel.abort(new Cancelled())
    const timer = cancelAfterMs === undefined ? undefined : clock.setTimeout(giveUp, cancelAfterMs)
    const settle = (outcome: Attempt['outcome']): void => {
      clock.clearTimeout(timer)
      recorder.settle(attempt, outcome, now(), clock.now() - startedAt)
    }
    try {
      const payload = { from: this.key, to: to.name, number: attempt.number, filler: 'x'.repeat(bytes) }
      const wrong = await call(payload, timer === undefined ? {} : { signal: cancel.signal })
      if (wrong !== undefined) attempt.wrongAnswer = wrong
      settle('done')
    } catch (error) {
      settle({ rejected: codeOf(error) })
    }
    return attempt
  }

  #nameOf(id: PeerId): string {
    const text = id.toString()
    return this.#parts.recorder.history.ids.get(text) ?? text
  }
}

/** The reason with which the laboratory gives up a call. */
class Cancelled extends Error {
  readonly code = 'CANCELLED_BY_LAB'
}
