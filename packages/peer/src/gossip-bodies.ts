/**
 * Bodies that do not fit a datagram, over bulk connections: who wants one names its hash in a service frame, and gets it in pieces of 65,536 bytes, the last one
 * shorter, each a frame of the same header and id; or nil from who does not have it.
 */
import type { ConnectionDispatcher } from '@pc/dispatch'
import type { BodyReference } from '@pc/gossip'
import type { PeerId } from '@pc/identity'
import type { Clock, Connection, Connector } from '@pc/transport'
import type { Message, Value } from '@pc/wire'

export interface GossipBodiesOptions {
  readonly services: Pick<ConnectionDispatcher, 'register'>
  readonly connector: Pick<Connector, 'leaseBulk'>
  /** The body of a hash, if it is here. */
  readonly find: (hash: Uint8Array) => Uint8Array | undefined
  readonly clock: Clock
}

export const BODY_SERVICE = 'pc/gossip-body'
const PIECE_BYTES = 65_536
const HASH_BYTES = 32
/** One use of a connection has one question. */
const QUESTION_ID = 1
/** A mebibyte takes a tenth of a second where the network is good; a reader that takes longer must not keep a place. */
const USE_MS = 30_000
/** Each holds up to a mebibyte; a peer alone has five at most, its bulk connections. */
const SERVED = { access: 'anyone', concurrency: 32, queue: 64 } as const

export class GossipBodies {
  readonly #options: GossipBodiesOptions
  readonly #unregister: () => void

  /** Answers from now on. @throws DispatchError HANDLER_EXISTS, CLOSED */
  constructor(options: GossipBodiesOptions) {
    this.#options = options
    this.#unregister = options.services.register(BODY_SERVICE, SERVED, (connection, message) =>
      this.#serve(connection, message),
    )
  }

  /** Rejects when that peer has it not, or breaks off, or takes longer than 30 s; with TransportError when it cannot be reached; with the signal's reason. */
  async fetch(
    from: PeerId,
    reference: BodyReference,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Uint8Array> {
    const { clock, connector } = this.#options
    const limit = new AbortController()
    const timer = clock.setTimeout(
      () => limit.abort(new Error(`no body from ${from.short} within ${USE_MS} ms`)),
      USE_MS,
    )
    const either = AbortSignal.any([signal, limit.signal])
    try {
      const lease = await connector.leaseBulk(from, { signal: either })
      const body = await receive(lease.connection, reference, either)
      lease.release()
      return body
    } finally {
      clock.clearTimeout(timer)
    }
  }

  close(): void {
    this.#unregister()
  }

  async #serve(connection: Connection, { id, body: hash }: Message): Promise<void> {
    const { find, clock } = this.#options
    const known = hash instanceof Uint8Array && hash.length === HASH_BYTES ? find(hash) : undefined
    if (known === undefined) return connection.send({ header: BODY_SERVICE, id, body: null })
    const timer = clock.setTimeout(() => connection.destroy('TOO_SLOW'), USE_MS)
    try {
      for (let at = 0; at < known.length; at += PIECE_BYTES) {
        await connection.send({ header: BODY_SERVICE, id, body: known.subarray(at, at + PIECE_BYTES) }, 'bulk')
      }
    } finally {
      clock.clearTimeout(timer)
    }
  }
}

/** Puts the pieces of a body together. */
export class BodyPieces {
  readonly #size: number
  #body: Uint8Array | undefined
  #length = 0

  constructor(size: number) {
    this.#size = size
  }

  /** The body, once it is whole; undefined while more is to come. @throws Error for what is not its next piece */
  take(piece: Value): Uint8Array | undefined {
    if (piece === null) throw new Error('the peer has no such body')
    const expected = Math.min(PIECE_BYTES, this.#size - this.#length)
    if (!(piece instanceof Uint8Array) || piece.length !== expected) throw new Error('that is no piece of the body')
    this.#body ??= new Uint8Array(this.#size)
    this.#body.set(piece, this.#length)
    this.#length += piece.length
    return this.#length === this.#size ? this.#body : undefined
  }
}

/** Asks over a connection that is this call's alone. When it fails the connection is cut, since what still comes would be taken for the next use. */
function receive(connection: Connection, { hash, size }: BodyReference, signal: AbortSignal): Promise<Uint8Array> {
  const pieces = new BodyPieces(size)
  const { promise, resolve, reject } = settler()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  connection.onMessage(({ header, id, body }) => {
    try {
      if (header !== BODY_SERVICE || id !== QUESTION_ID) throw new Error(`the peer answered with ${header}`)
      const whole = pieces.take(body)
      if (whole !== undefined) resolve(whole)
    } catch (error) {
      reject(error)
    }
  })
  void connection.closed.then(({ code }) => reject(new Error(`the connection ended before the body was here: ${code}`)))
  connection.send({ header: BODY_SERVICE, id: QUESTION_ID, body: hash }).catch(reject)
  promise.catch(() => connection.destroy())
  return promise.finally(() => signal.removeEventListener('abort', onAbort))
}

/** `Promise.withResolvers` came with Node 22. */
function settler(): {
  promise: Promise<Uint8Array>
  resolve: (body: Uint8Array) => void
  reject: (reason: unknown) => void
} {
  let resolve = (_body: Uint8Array): void => {}
  let reject = (_reason: unknown): void => {}
  const promise = new Promise<Uint8Array>((onBody, onReason) => {
    resolve = onBody
    reject = onReason
  })
  return { promise, resolve, reject }
}
