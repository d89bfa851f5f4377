/** Datagrams and requests by datagram to peers by id or name; root codes 0x80 to 0xff belong to programs. */
import type {
  DatagramHandler,
  DatagramHandlerOptions,
  RequestsCounters,
  RequestsEndpoint,
  RequestsEndpointSize,
  SendOptions,
  SubmitOptions,
} from '@pc/dispatch'
import type { PeerId } from '@pc/identity'
import type { Address } from '@pc/transport'
import type { Value } from '@pc/wire'
import { PeerError } from './errors.js'
import type { PeerRef } from './peer.js'

export interface PeerRequestsParts {
  readonly endpoint: RequestsEndpoint
  readonly idOf: (peer: PeerRef) => PeerId
  /** Where a peer may be, best first. */
  readonly addressesOf: (id: PeerId) => readonly Address[]
  /** Whether datagrams may go there. */
  readonly allowed: (address: Address) => boolean
}

const FIRST_APPLICATION_CODE = 0x80

export class PeerRequests {
  readonly #parts: PeerRequestsParts

  /** Made by `createPeer`. */
  constructor(parts: PeerRequestsParts) {
    this.#parts = parts
  }

  /** What happened to datagrams since the start, by reason. Live: change nothing. */
  get counters(): Readonly<RequestsCounters> {
    return this.#parts.endpoint.counters
  }

  /** Sessions, handshakes and calls that there are now. */
  get size(): RequestsEndpointSize {
    return this.#parts.endpoint.size
  }

  /** Hands messages to their handlers: for middleware, batches and workers. */
  get dispatcher(): RequestsEndpoint['dispatcher'] {
    return this.#parts.endpoint.dispatcher
  }

  /**
   * Names the one handler of an application's root code, as `RequestsEndpoint.register`. The returned function takes it away again.
   * @throws PeerError BAD_OPTIONS for a code below 0x80, DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED
   */
  register(rootCode: number, options: DatagramHandlerOptions, handler: DatagramHandler): () => void {
    requireApplicationCode(rootCode)
    return this.#parts.endpoint.register(rootCode, options, handler)
  }

  /** One sealed datagram, as `RequestsEndpoint.send`: at most about 1 KiB, and nobody says whether it arrived. */
  async send(peer: PeerRef, rootCode: number, body: Value, options: SendOptions = {}): Promise<void> {
    requireApplicationCode(rootCode)
    return this.#parts.endpoint.send(this.#destination(peer), rootCode, body, options)
  }

  /** One sealed request, as `RequestsEndpoint.submit`; settles with the reply. */
  async submit(peer: PeerRef, rootCode: number, body: Value, options: SubmitOptions = {}): Promise<Value> {
    requireApplicationCode(rootCode)
    return this.#parts.endpoint.submit(this.#destination(peer), rootCode, body, options)
  }

  #destination(peer: PeerRef): { id: PeerId; address: Address } {
    const id = this.#parts.idOf(peer)
    const address = this.#parts.addressesOf(id).find(this.#parts.allowed)
    if (address !== undefined) return { id, address }
    throw new PeerError(
      'PEER_NOT_FOUND',
      `No address of ${id.short} is known that may be used: wait until it was seen.`,
    )
  }
}

function requireApplicationCode(rootCode: number): void {
  if (Number.isInteger(rootCode) && rootCode >= FIRST_APPLICATION_CODE && rootCode <= 0xff) return
  throw new PeerError(
    'BAD_OPTIONS',
    `Expected a root code of 0x80 to 0xff, got ${String(rootCode)}; the others belong to protocols.`,
  )
}
