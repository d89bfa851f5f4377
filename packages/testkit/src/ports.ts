import { TestkitError } from './errors.js'
import { addressKey, isWildcard, requireAddress, type SimulatedAddress, withoutScope } from './simulated-address.js'

const FIRST_EPHEMERAL_PORT = 49_152 // RFC 6335 §6: the dynamic ports
const LAST_PORT = 65_535

/** Who has which port of which address; one table for listeners, one for datagram sockets. */
export class Ports<Owner extends { readonly shared: boolean }> {
  readonly #owners = new Map<string, Owner[]>()
  readonly #nextPort = new Map<string, number>()

  /** The owners of a port, in the order of their claims. */
  at(address: SimulatedAddress): readonly Owner[] {
    return this.#owners.get(addressKey(address)) ?? []
  }

  /** All owners of all ports, in a stable order. */
  *all(): Iterable<Owner> {
    for (const owners of this.#owners.values()) yield* owners
  }

  /**
   * Checks what a program asks for on the machine `host` and returns the address it gets: wildcards become the address
   * of the machine, port 0 any free port.
   */
  resolve(host: string, wanted: SimulatedAddress, shared: boolean): SimulatedAddress {
    requireAddress({ host: wanted.host, port: wanted.port }, 0)
    const wantedHost = withoutScope(wanted.host)
    if (wantedHost !== host && !isWildcard(wantedHost)) {
      throw new TestkitError('ADDRESS_NOT_AVAILABLE', `the address of this host is ${host}, not ${wanted.host}`)
    }
    const address = { host, port: wanted.port === 0 ? this.#freePort(host) : wanted.port }
    if (!this.at(address).every((owner) => shared && owner.shared)) {
      throw new TestkitError('ADDRESS_IN_USE', `port ${address.port} of ${host} is taken`)
    }
    return address
  }

  claim(address: SimulatedAddress, owner: Owner): void {
    const key = addressKey(address)
    this.#owners.set(key, [...(this.#owners.get(key) ?? []), owner])
  }

  release(address: SimulatedAddress, owner: Owner): void {
    const key = addressKey(address)
    const left = this.at(address).filter((other) => other !== owner)
    if (left.length === 0) this.#owners.delete(key)
    else this.#owners.set(key, left)
  }

  /** The next ephemeral port, taken or not: what a dialling socket gets. */
  ephemeralPort(host: string): number {
    const port = this.#nextPort.get(host) ?? FIRST_EPHEMERAL_PORT
    this.#nextPort.set(host, port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1)
    return port
  }

  #freePort(host: string): number {
    for (let tried = FIRST_EPHEMERAL_PORT; tried <= LAST_PORT; tried++) {
      const port = this.ephemeralPort(host)
      if (this.at({ host, port }).length === 0) return port
    }
    throw new TestkitError('ADDRESS_IN_USE', `every ephemeral port of ${host} is taken`)
  }
}
