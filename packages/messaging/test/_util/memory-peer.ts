import { createIdentity, openNetwork, type PeerId, type SignedPeerRecord, signPeerRecord } from '@pc/identity'
import {
  Connector,
  type MemoryNetwork,
  PeerBook,
  type SecureStream,
  type StreamListener,
  systemRandom,
} from '@pc/transport'
import { Messaging, type MessagingOptions } from '../../src/index.js'
import { onlyAnyone } from './peers.js'

const PORT = 3485

/** A peer with a real connector, on a network in this process. */
export class MemoryPeer {
  readonly id: PeerId
  readonly record: SignedPeerRecord
  readonly book = new PeerBook()
  readonly connector: Connector
  readonly messaging: Messaging
  /** Streams that others opened, for cutting them. */
  readonly accepted: SecureStream[] = []
  #listener: StreamListener | undefined

  private constructor(network: MemoryNetwork, seed: number, options: Partial<MessagingOptions>) {
    const identity = createIdentity(new Uint8Array(32).fill(seed))
    const host = `10.0.0.${seed}`
    this.id = identity.id
    this.record = signPeerRecord(identity, {
      sequence: 1,
      name: `peer ${seed}`,
      addresses: [{ host, port: PORT }],
      capabilities: [],
    })
    const protocol = network.protocol(identity.id, host)
    this.connector = Connector.create({
      identity,
      protocol,
      network: openNetwork('test'),
      bootId: systemRandom.bytes(8),
      record: () => this.record,
      peerBook: this.book,
    })
    this.messaging = Messaging.create({ connector: this.connector, authorize: onlyAnyone, ...options })
  }

  static async start(
    network: MemoryNetwork,
    seed: number,
    options: Partial<MessagingOptions> = {},
  ): Promise<MemoryPeer> {
    const peer = new MemoryPeer(network, seed, options)
    const protocol = network.protocol(peer.id, `10.0.0.${seed}`)
    peer.#listener = await protocol.listen({ host: `10.0.0.${seed}`, port: PORT }, (stream) => {
      peer.accepted.push(stream)
      peer.connector.accept(stream)
    })
    return peer
  }

  knows(...others: MemoryPeer[]): void {
    for (const other of others) this.book.upsert(other.record)
  }

  /** Breaks every stream that others opened. */
  cut(): void {
    for (const stream of this.accepted.splice(0)) stream.duplex.destroy()
  }

  async close(): Promise<void> {
    await this.messaging.close()
    await this.#listener?.close()
    await this.connector.close()
  }
}
