import type { TLSSocket } from 'node:tls'
import type { PeerId } from '@pc/identity'
import type { Address } from './address.js'
import type { SecureStream } from './network-protocol.js'
import { localAddressOf } from './tcp-address.js'

const CHANNEL_BINDING_LABEL = 'EXPORTER-Channel-Binding'
const CHANNEL_BINDING_BYTES = 32

/** What TLS gives once the handshake is done and the peer proved. */
export class TlsStream implements SecureStream {
  readonly duplex: TLSSocket
  readonly remoteId: PeerId
  readonly remoteAddress: Address
  readonly localAddress: Address
  readonly dialled: boolean
  /** The kernel, or OpenSSL before it, has its own copy. */
  readonly copiesWrites = true
  #channelBinding: Uint8Array | undefined

  constructor(duplex: TLSSocket, remoteId: PeerId, remoteAddress: Address, dialled: boolean) {
    this.duplex = duplex
    this.remoteId = remoteId
    this.remoteAddress = remoteAddress
    this.localAddress = localAddressOf(duplex)
    this.dialled = dialled
  }

  /** The exporter of RFC 9266, for whoever asks: an open network needs none. Undefined once the socket is gone, if nobody asked before. */
  get channelBinding(): Uint8Array | undefined {
    if (this.#channelBinding === undefined && !this.duplex.destroyed) {
      const exported = this.duplex.exportKeyingMaterial(CHANNEL_BINDING_BYTES, CHANNEL_BINDING_LABEL, Buffer.alloc(0))
      this.#channelBinding = new Uint8Array(exported)
    }
    return this.#channelBinding
  }
}
