import type { Socket } from 'node:net'
import type { Address } from './address.js'
import { HandshakeSlots } from './handshake-slots.js'
import type { Clock, Logger } from './ports.js'
import { endsOf } from './tcp-address.js'

export interface HandshakesOptions {
  readonly clock: Clock
  readonly logger: Logger
  readonly counters: HandshakeCounters
  readonly handshakeTimeoutMs: number
  readonly maxHandshakes?: number | undefined
  readonly maxHandshakesPerAddress?: number | undefined
}

export interface HandshakeCounters {
  /** Connections destroyed because too many handshakes were under way. */
  handshakesRefused: number
  /** Handshakes cut by the deadline. */
  handshakesTimedOut: number
}

interface Handshake {
  readonly raw: Socket
  readonly from: Address
  /** Gives the slot back and stops the deadline. */
  readonly end: () => void
}

/** The handshakes under way on one listener, whatever is spoken: a slot and a deadline for each. */
export class Handshakes {
  readonly #options: HandshakesOptions
  readonly #slots: HandshakeSlots
  /** By both ends, which no two living connections share: TLS makes a socket of its own over each. */
  readonly #underWay = new Map<string, Handshake>()

  constructor(options: HandshakesOptions) {
    this.#options = options
    this.#slots = new HandshakeSlots(options.maxHandshakes, options.maxHandshakesPerAddress)
  }

  /** False, and the connection is destroyed and counted, when too many are under way. */
  begin(raw: Socket, from: Address): boolean {
    const { clock, logger, counters, handshakeTimeoutMs } = this.#options
    const ends = endsOf(raw)
    // Whoever resets and comes again from the same port may be seen before the end of the first connection is.
    this.#underWay.get(ends)?.end()
    if (!this.#slots.take(from.host)) {
      counters.handshakesRefused += 1
      logger.debug({ from, underWay: this.#slots.taken }, 'too many handshakes, connection refused')
      raw.destroy()
      return false
    }
    const end = (): void => {
      raw.off('close', end)
      if (this.#underWay.get(ends) !== handshake) return
      this.#underWay.delete(ends)
      clock.clearTimeout(timer)
      this.#slots.give(from.host)
    }
    const handshake: Handshake = { raw, from, end }
    const timer = clock.setTimeout(() => {
      counters.handshakesTimedOut += 1
      logger.debug({ from, handshakeTimeoutMs }, 'handshake not done in time')
      raw.destroy()
    }, handshakeTimeoutMs)
    raw.once('close', end)
    this.#underWay.set(ends, handshake)
    return true
  }

  /** The handshake over that connection is done, well or badly. Who dialled; undefined when it was cut before. */
  finish(socket: Socket): Address | undefined {
    const handshake = this.#underWay.get(endsOf(socket))
    handshake?.end()
    return handshake?.from
  }

  /** Destroys every connection whose handshake is not done; resolves when they are closed. */
  async cut(): Promise<void> {
    await Promise.all([...this.#underWay.values()].map(({ raw }) => destroyed(raw)))
  }
}

function destroyed(raw: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (raw.closed) {
      resolve()
    } else {
      raw.once('close', () => resolve())
      raw.destroy()
    }
  })
}
