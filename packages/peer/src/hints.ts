/**
 * Follows hints of discovery: dials the address, and lets the handshake prove who is there. A hint that claims a known id is held
 * to it: another key there learns nothing and is counted as an impostor.
 */
import type { Hint } from '@pc/discovery'
import type { PeerId } from '@pc/identity'
import { type Address, type Connector, type Logger, TransportError } from '@pc/transport'

/** Dials at the same time; further hints wait for the next announcement, which comes anyway. */
const MAX_DIALS = 16

export interface HintFollowerOptions {
  readonly connector: Connector
  /** Ids that an announcement may claim. */
  readonly knownIds: () => Iterable<PeerId>
  /** Whether the hint claims to be from that id. */
  readonly matches: (hint: Hint, id: PeerId) => boolean
  readonly onImpostor: (expected: PeerId, address: Address) => void
  readonly logger: Logger
}

export class HintFollower {
  readonly #options: HintFollowerOptions
  readonly #dialling = new Set<string>()
  readonly #abort = new AbortController()
  /** Why hints led nowhere, by reason. */
  readonly counters: Record<string, number> = {}

  constructor(options: HintFollowerOptions) {
    this.#options = options
  }

  /** Never throws and never rejects: a hint is only a hint. */
  async follow(hint: Hint): Promise<void> {
    const key = Buffer.from(hint.bootId).toString('hex')
    if (this.#abort.signal.aborted || this.#dialling.has(key)) return
    if (this.#dialling.size >= MAX_DIALS) return this.#count('too-many-dials')
    this.#dialling.add(key)
    const expect = this.#claimedId(hint)
    try {
      await this.#options.connector.meet([hint.address], {
        signal: this.#abort.signal,
        ...(expect === undefined ? {} : { expect }),
      })
    } catch (error) {
      if (this.#abort.signal.aborted) return
      this.#failed(error, hint.address, expect)
    } finally {
      this.#dialling.delete(key)
    }
  }

  close(): void {
    this.#abort.abort()
  }

  #claimedId(hint: Hint): PeerId | undefined {
    for (const id of this.#options.knownIds()) {
      if (this.#options.matches(hint, id)) return id
    }
    return undefined
  }

  #failed(error: unknown, address: Address, expected: PeerId | undefined): void {
    const code = error instanceof TransportError ? rootCode(error) : 'unexpected'
    this.#count(code)
    this.#options.logger.debug({ err: error, address }, 'a hint led nowhere')
    if (code === 'WRONG_PEER' && expected !== undefined) this.#options.onImpostor(expected, address)
  }

  #count(reason: string): void {
    this.counters[reason] = (this.counters[reason] ?? 0) + 1
  }
}

/** The reason at the one address that was dialled, where the error speaks of all attempts together. */
function rootCode(error: TransportError): string {
  const [first] = error.attempts
  return first?.error instanceof TransportError ? first.error.code : error.code
}
