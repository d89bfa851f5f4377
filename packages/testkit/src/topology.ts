import { TestkitError } from './errors.js'
import type { Interface, SimulatedInterface } from './interface.js'
import { Machine } from './machine.js'
import type { MachineTime } from './machine-time.js'
import { type ParsedHost, parseHost } from './simulated-address.js'

/** Which machines there are, and who has which address now. */
export class Topology {
  readonly machines: Machine[] = []
  readonly #byAddress = new Map<string, Machine>()

  /** Adds a machine, or finds the one that has all these addresses already. */
  machine(wanted: readonly SimulatedInterface[], time: () => MachineTime): { machine: Machine; fresh: boolean } {
    const machine = new Machine(this.machines.length, wanted, time())
    const keys = machine.interfaces.flatMap((one) => (one.internal ? [] : [keyOf(one)]))
    if (new Set(keys).size < keys.length) {
      throw new TestkitError('BAD_ARGUMENT', `a machine has each address once, got ${machine.addresses.join(', ')}`)
    }
    const owners = new Set(keys.map((key) => this.#byAddress.get(key)))
    const [owner] = owners
    if (owner !== undefined && owners.size === 1) return { machine: owner, fresh: false }
    if (owners.size > 1) {
      throw new TestkitError('ADDRESS_IN_USE', `some of ${machine.addresses.join(', ')} belong to another machine`)
    }
    this.machines.push(machine)
    for (const key of keys) this.#byAddress.set(key, machine)
    return { machine, fresh: true }
  }

  /** The machine that packets to `target` come to when they leave by `via`. */
  find(target: ParsedHost, via: Interface): Machine | undefined {
    return this.#byAddress.get(target.linkLocal ? `${via.segment}|${target.host}` : target.host)
  }

  /** Gives an interface another address, or none. */
  move(machine: Machine, one: Interface, address: string | undefined): void {
    const before = one.address === undefined ? undefined : keyOf(one)
    const former = one.address
    one.address = address
    const after = address === undefined ? undefined : keyOf(one)
    if (after !== undefined && after !== before && this.#byAddress.has(after)) {
      one.address = former
      throw new TestkitError('ADDRESS_IN_USE', `${address} belongs to another machine`)
    }
    if (before !== undefined) this.#byAddress.delete(before)
    if (after !== undefined) this.#byAddress.set(after, machine)
    machine.forgetRoutes()
  }
}

function keyOf(one: Interface): string {
  const { address = '' } = one
  return parseHost(address)?.linkLocal ? `${one.segment}|${address}` : address
}
