/** What this peer says of itself: signed anew, with a higher sequence, whenever its addresses have changed. */
import { type Identity, nextSequence, type SignedPeerRecord, signPeerRecord } from '@pc/identity'
import { type Address, type Clock, isLinkLocal, type NetworkInterface } from '@pc/transport'

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

  /** Where others reach this peer, now, best first. Link-local addresses are none: their scope means nothing elsewhere. */
  addresses(): Address[] {
    const hosts = byReach(this.#options.interfaces()).flatMap(({ address }) => (isLinkLocal(address) ? [] : [address]))
    return hosts.map((host) => ({ host, port: this.port }))
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

/** IPv4 first, which every peer has and discovery uses; then IPv6, and of that last what is good on one link only. */
export function byReach(interfaces: readonly NetworkInterface[]): NetworkInterface[] {
  return [...interfaces].sort((a, b) => rank(a) - rank(b))
}

function rank({ family, address }: NetworkInterface): number {
  if (family === 4) return 0
  return isLinkLocal(address) ? 2 : 1
}
