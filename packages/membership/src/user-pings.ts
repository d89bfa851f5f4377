/** Pings that a person or a program asked for: by datagram three times, then over the control connection. */
import type { PeerId } from '@pc/identity'
import type { Clock, Connector } from '@pc/transport'
import { MembershipError } from './errors.js'

/** What `ping` found out. */
export interface Pong {
  /** `udp`: a datagram came back; `tcp`: none did, but the control connection answered. */
  readonly path: 'udp' | 'tcp'
  /** ms */
  readonly roundTripMs: number
}

interface UserPingsOptions {
  readonly clock: Clock
  readonly connector: Pick<Connector, 'control'>
  /** Sends one and says which answer to wait for; undefined for a peer that is not known. */
  readonly send: (peer: PeerId) => number | undefined
}

/** Datagrams go out at these times, and are waited for until the last, ms. */
const SENDINGS_MS = [0, 150, 400] as const
const GIVE_UP_MS = 700
const DEFAULT_TIMEOUT_MS = 5_000
const MAX_PINGS = 256

export class UserPings {
  readonly #options: UserPingsOptions
  readonly #waiting = new Map<number, (ms: number) => void>()
  readonly #abort = new AbortController()
  #count = 0

  constructor(options: UserPingsOptions) {
    this.#options = options
  }

  async ping(
    peer: PeerId,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<Pong> {
    signal?.throwIfAborted()
    this.#abort.signal.throwIfAborted()
    if (this.#count >= MAX_PINGS) throw new MembershipError('BUSY', `${MAX_PINGS} pings are under way: wait for some`)
    const { clock } = this.#options
    const limit = new AbortController()
    const timer = clock.setTimeout(() => limit.abort(noAnswer(peer, `within ${timeoutMs} ms`)), timeoutMs)
    const both = AbortSignal.any([this.#abort.signal, limit.signal, ...(signal === undefined ? [] : [signal])])
    this.#count += 1
    try {
      const roundTripMs = await this.#byDatagram(peer, both)
      if (roundTripMs !== undefined) return { path: 'udp', roundTripMs }
      return { path: 'tcp', roundTripMs: await this.#byConnection(peer, both) }
    } finally {
      clock.clearTimeout(timer)
      this.#count -= 1
    }
  }

  answered(sequence: number, ms: number): void {
    this.#waiting.get(sequence)?.(ms)
  }

  close(): void {
    this.#abort.abort(new MembershipError('CLOSED', 'membership was closed: create another one'))
  }

  #byDatagram(peer: PeerId, signal: AbortSignal): Promise<number | undefined> {
    const { clock, send } = this.#options
    return new Promise((resolve, reject) => {
      const sequences: number[] = []
      const timers: unknown[] = []
      const end = (): void => {
        for (const timer of timers) clock.clearTimeout(timer)
        for (const sequence of sequences) this.#waiting.delete(sequence)
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => {
        end()
        reject(signal.reason)
      }
      const fire = (): void => {
        const sequence = send(peer)
        if (sequence === undefined) {
          // Not in the table: there is only the connection.
          end()
          resolve(undefined)
          return
        }
        sequences.push(sequence)
        this.#waiting.set(sequence, (ms) => {
          end()
          resolve(ms)
        })
      }
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) {
        onAbort()
        return
      }
      for (const after of SENDINGS_MS) if (after > 0) timers.push(clock.setTimeout(fire, after))
      timers.push(
        clock.setTimeout(() => {
          end()
          resolve(undefined)
        }, GIVE_UP_MS),
      )
      fire()
    })
  }

  async #byConnection(peer: PeerId, signal: AbortSignal): Promise<number> {
    try {
      const connection = await this.#options.connector.control(peer, { signal })
      return await connection.ping({ signal })
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      throw noAnswer(peer, 'to datagrams, and no connection', { cause })
    }
  }
}

function noAnswer(peer: PeerId, what: string, options: ErrorOptions = {}): MembershipError {
  return new MembershipError('NO_ANSWER', `no answer from ${peer.short} ${what}`, options)
}
