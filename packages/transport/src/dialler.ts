import type { PeerId } from '@pc/identity'
import { untilAborted, whenAborted } from './abort.js'
import { type Address, formatAddress } from './address.js'
import { connectToPeer } from './connect-to-peer.js'
import type { Connection } from './connection.js'
import { errorCode, TransportError } from './errors.js'
import type { NetworkProtocol, SecureStream } from './network-protocol.js'
import type { PeerBook } from './peer-book.js'
import type { Clock, Random } from './ports.js'

export interface DiallerOptions {
  readonly ownId: PeerId
  readonly protocol: NetworkProtocol
  readonly peerBook: PeerBook
  /** Connections that were dialled, from before the dial until their end. */
  readonly limit: number
  /** Asked when the limit is reached: ends a connection that nobody uses, and resolves when it is gone; undefined if there is none. */
  readonly makeRoom: () => Promise<void> | undefined
  readonly clock: Clock
  readonly random: Random
  readonly own: (stream: SecureStream) => Connection
}

/** Opens connections to other peers within the limit, and notes in the peer book what they prove. HELLO is somebody else's. */
export class Dialler {
  readonly #options: DiallerOptions
  /**
   * One for each dial, and not one signal for all: `AbortSignal.any` would leave a trace of every dial in a signal that lives as
   * long as the peer.
   */
  readonly #dials = new Set<AbortController>()
  #open = 0
  #closed: TransportError | undefined

  constructor(options: DiallerOptions) {
    this.#options = options
  }

  /**
   * Dials a peer where the peer book says it is.
   * @throws TransportError NO_ADDRESS, and as {@link Dialler.dial}
   */
  async dialKnown(peer: PeerId, signal?: AbortSignal): Promise<Connection> {
    const addresses = this.#options.peerBook.addressesOf(peer)
    if (addresses.length > 0) return this.dial(addresses, peer, signal)
    throw new TransportError('NO_ADDRESS', `No address of ${peer.short} is known; discovery has to find one first.`)
  }

  /** @throws TransportError ALL_ATTEMPTS_FAILED, WRONG_PEER, SELF_DIALLED, NO_ADDRESS, RESOURCE_BUSY, CLOSED; the signal's reason */
  async dial(addresses: readonly Address[], expect?: PeerId, signal?: AbortSignal): Promise<Connection> {
    const { limit, makeRoom } = this.#options
    if (this.#open >= limit) await untilAborted(Promise.resolve(makeRoom()), signal)
    if (this.#open >= limit) {
      throw new TransportError(
        'RESOURCE_BUSY',
        `${limit} dialled connections are open, which is the limit; close some first.`,
      )
    }
    this.#open += 1
    let connection: Connection
    try {
      connection = await this.#connect(addresses, expect, signal)
    } catch (error) {
      this.#open -= 1
      throw error
    }
    void connection.closed.then(() => {
      this.#open -= 1
    })
    return connection
  }

  /** Cuts every dial under way, with that reason; so ends every later one. Connections stay. */
  close(reason: TransportError): void {
    this.#closed = reason
    for (const dial of this.#dials) dial.abort(reason)
  }

  async #connect(
    addresses: readonly Address[],
    expect: PeerId | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Connection> {
    const { ownId, protocol, peerBook, clock, random, own } = this.#options
    if (this.#closed !== undefined) throw this.#closed
    signal?.throwIfAborted()
    const dial = new AbortController()
    const leave = whenAborted(signal, () => dial.abort(signal?.reason))
    this.#dials.add(dial)
    let stream: SecureStream
    try {
      const wanted = expect === undefined ? {} : { expect }
      stream = await connectToPeer(protocol, addresses, { clock, random, signal: dial.signal, ...wanted })
    } catch (error) {
      throw soleReason(error)
    } finally {
      this.#dials.delete(dial)
      leave()
    }
    if (dial.signal.aborted) {
      // In the very turn in which it succeeded: nobody is there to take it over.
      stream.duplex.destroy()
      throw dial.signal.reason
    }
    if (stream.remoteId.equals(ownId)) {
      stream.duplex.destroy()
      const { remoteAddress: address } = stream
      throw new TransportError('SELF_DIALLED', `${formatAddress(address)} leads back to this peer itself.`, { address })
    }
    peerBook.noteProof(stream.remoteId, stream.remoteAddress, clock.now())
    // In this turn: between the check and the owner there must be none in which a close sees neither dial nor connection.
    return own(stream)
  }
}

/**
 * When every address failed for one and the same final reason, that reason says more than the list. Compared by code: protocols
 * from outside this package bring error classes of their own.
 */
function soleReason(error: unknown): unknown {
  if (!(error instanceof TransportError) || error.code !== 'ALL_ATTEMPTS_FAILED') return error
  for (const code of ['SELF_DIALLED', 'WRONG_PEER'] as const) {
    const [first] = error.attempts
    if (first === undefined || !error.attempts.every((attempt) => errorCode(attempt.error) === code)) continue
    return new TransportError(code, first.error.message, { cause: first.error, address: first.address })
  }
  return error
}
