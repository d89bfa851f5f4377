import { TestkitError } from './errors.js'
import { type ParsedHost, requireAddress, type SimulatedAddress } from './simulated-address.js'

const FIRST_EPHEMERAL_PORT = 49_152 // RFC 6335 §6: the dynamic ports
const LAST_PORT = 65_535

/** Who may have a port. */
export interface PortOwner {
  readonly shared: boolean
  readonly address: SimulatedAddress
  readonly bound: ParsedHost
}

/** Which ports of one machine are taken; one table for listeners, one for datagram sockets. */
export class Ports<Owner extends PortOwner> {
  readonly #owners = new Map<number, Owner[]>()
  #nextPort = FIRST_EPHEMERAL_PORT

  /** Who receives what comes for `host` and `port`: who bound that address rather than all, and of those the last. */
  find(host: string, family: 4 | 6, port: number): Owner | undefined {
    const owners = this.#owners.get(port)
    if (owners === undefined) return undefined
    let found: Owner | undefined
    for (const owner of owners) {
      const { bound } = owner
      if (bound.host === host || (bound.kind === 'wildcard' && bound.family === family && found?.bound.host !== host)) {
        found = owner
      }
    }
    return found
  }

  /** Everybody on a port, in the order of their claims. */
  at(port: number): readonly Owner[] {
    return this.#owners.get(port) ?? []
  }

  /** Checks what a program asks for and returns the address it gets: port 0 becomes any free port. */
  resolve(wanted: SimulatedAddress, shared: boolean, owns: (bound: ParsedHost) => boolean): SimulatedAddress {
    const bound = requireAddress(wanted, 0)
    if (bound.kind !== 'wildcard' && !owns(bound)) {
      throw new TestkitError('ADDRESS_NOT_AVAILABLE', `no interface of this machine has the address ${wanted.host}`)
    }
    if (wanted.port === 0) return { host: wanted.host, port: this.#freePort(bound) }
    if (this.#taken(bound, wanted.port, shared)) {
      throw new TestkitError('ADDRESS_IN_USE', `port ${wanted.port} of ${wanted.host} is taken`)
    }
    return { host: wanted.host, port: wanted.port }
  }

  claim(owner: Owner): void {
    const { port } = owner.address
    this.#owners.set(port, [...this.at(port), owner])
  }

  release(owner: Owner): void {
    const { port } = owner.address
    const left = this.at(port).filter((other) => other !== owner)
    if (left.length === 0) this.#owners.delete(port)
    else this.#owners.set(port, left)
  }

  /** The next ephemeral port, taken or not: what a dialling socket gets. */
  ephemeralPort(): number {
    const port = this.#nextPort
    this.#nextPort = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1
    return port
  }

  #freePort(bound: ParsedHost): number {
    for (let tried = FIRST_EPHEMERAL_PORT; tried <= LAST_PORT; tried++) {
      const port = this.ephemeralPort()
      if (!this.#taken(bound, port, false)) return port
    }
    throw new TestkitError('ADDRESS_IN_USE', `every ephemeral port of ${bound.host} is taken`)
  }

  #taken(bound: ParsedHost, port: number, shared: boolean): boolean {
    return this.at(port).some((other) => overlap(other.bound, bound) && !(shared && other.shared))
  }
}

function overlap(a: ParsedHost, b: ParsedHost): boolean {
  if (a.family !== b.family) return false
  return a.kind === 'wildcard' || b.kind === 'wildcard' || a.host === b.host
}
