import type { Network, SignedPeerRecord } from '@pc/identity'
import type { Connection } from './connection.js'
import { Greeting } from './greeting.js'
import { CONNECTION_VERSIONS, type ConnectionKind, type Hello } from './hello.js'
import { helloCheck, helloProof } from './hello-proof.js'
import type { PeerBook } from './peer-book.js'
import type { Clock } from './ports.js'

export interface GreeterOptions {
  readonly network: Pick<Network, 'keyId' | 'hasSecret' | 'prove' | 'verifyProof'>
  readonly bootId: Uint8Array
  readonly record: () => SignedPeerRecord
  readonly features: readonly string[]
  /** Whose records need not be checked again. */
  readonly peerBook: Pick<PeerBook, 'get'>
  readonly clock: Clock
}

/** What this peer says of itself in HELLO, and what it wants to hear. */
export class Greeter {
  readonly #options: GreeterOptions

  constructor(options: GreeterOptions) {
    this.#options = options
  }

  /** Starts to wait for the other side's HELLO. */
  greet(connection: Connection): Greeting {
    const { network, clock, peerBook } = this.#options
    const expected = {
      network: network.keyId,
      isProved: helloCheck(network, connection),
      version: CONNECTION_VERSIONS,
      known: peerBook.get(connection.remoteId)?.record,
    }
    return new Greeting(connection, expected, clock)
  }

  /** @param pair the number of our pair with that peer: see {@link Hello.pair} */
  hello(kind: ConnectionKind, pair: number, connection: Connection): Hello {
    const { bootId, record, features, network } = this.#options
    return {
      version: CONNECTION_VERSIONS,
      boot: bootId,
      kind,
      record: record(),
      features,
      network: network.keyId,
      pair,
      proof: helloProof(network, connection, bootId),
    }
  }
}
