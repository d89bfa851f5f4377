/** What this peer says of itself: signed anew, with a higher sequence, whenever its addresses have changed. */
import { type Identity, nextSequence, type SignedPeerRecord, signPeerRecord } from '@pc/identity'
import type { Address, Clock, NetworkInterface } from '@pc/transport'

/** Addresses a record may carry. */
const MAX_ADDRESSES = 4

export interface OwnRecordOptions {
  readonly identity: Identity
  readonly name: string
  readonly capabilities: readonly string[]
  readonly interfaces: () => NetworkInterface[]
  readonly clock: Clock
}

export class OwnRecord {
  /** Set once the peer listens; nobody asks for the record before. */
  port = 0
  readonly #options: OwnRecordOptions
  #signed: SignedPeerRecord | undefined
  #signedFor = ''

  constructor(options: OwnRecordOptions) {
    this.#options = options
  }

  /** Where others reach this peer, now. */
  addresses(): Address[] {
    return this.#options.interfaces().map(({ address }) => ({ host: address, port: this.port }))
  }

  record(): SignedPeerRecord {
    const { identity, name, capabilities, clock } = this.#options
    const addresses = this.addresses().slice(0, MAX_ADDRESSES)
    const key = JSON.stringify(addresses)
    if (this.#signed === undefined || this.#signedFor !== key) {
      const sequence = nextSequence(this.#signed?.sequence ?? 0, clock.unixNow())
      this.#signed = signPeerRecord(identity, { sequence, name, addresses, capabilities })
      this.#signedFor = key
    }
    return this.#signed
  }
}
