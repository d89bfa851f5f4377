import { TestkitError } from './errors.js'
import type { Links } from './links.js'
import { Ports } from './ports.js'
import {
  isBroadcastFor,
  isMulticast,
  isWildcard,
  requireAddress,
  type SimulatedAddress,
  withoutScope,
} from './simulated-address.js'
import type { SimulatedBindOptions, SimulatedSocket } from './simulated-host.js'
import type { VirtualClock } from './virtual-clock.js'

/** What fits a 1,280-byte IPv6 minimum MTU with room to spare; larger ones would be fragmented on some network. */
const MAX_DATAGRAM = 1_200

/** What happened to datagrams so far. A datagram to a group counts once per receiver. */
export interface DatagramCounters {
  /** Handed to the network. */
  readonly sent: number
  /** Given to a socket, copies included. */
  readonly delivered: number
  /** Lost by chance, by a partition or a switched-off machine. Without a socket there, a datagram is neither. */
  readonly lost: number
}

interface BoundSocket {
  readonly address: SimulatedAddress
  readonly shared: boolean
  readonly groups: Set<string>
  readonly deliver: (bytes: Uint8Array, from: SimulatedAddress) => void
}

/** Carries datagrams between the sockets of all hosts. */
export class DatagramExchange {
  readonly #links: Links
  readonly #clock: VirtualClock
  readonly #ports = new Ports<BoundSocket>()
  readonly #counters = { sent: 0, delivered: 0, lost: 0 }

  constructor(links: Links, clock: VirtualClock) {
    this.#links = links
    this.#clock = clock
  }

  get counters(): DatagramCounters {
    return { ...this.#counters }
  }

  bind(
    host: string,
    options: SimulatedBindOptions,
    onDatagram: (bytes: Uint8Array, from: SimulatedAddress) => void,
  ): SimulatedSocket {
    const shared = options.shareAddress ?? false
    const address = this.#ports.resolve(host, options, shared)
    const groups = new Set<string>()
    const loopback = options.multicast?.loopback ?? true
    let open = true
    const requireOpen = (): void => {
      if (!open) throw new TestkitError('SOCKET_CLOSED', `the socket at ${address.host} port ${address.port} is closed`)
    }
    const bound: BoundSocket = {
      address,
      shared,
      groups,
      deliver: (bytes, from) => {
        if (!open) return
        this.#counters.delivered++
        onDatagram(bytes, from)
      },
    }
    this.#ports.claim(address, bound)
    return {
      address,
      send: async (bytes, to) => {
        requireOpen()
        requireAddress(to, 1)
        if (bytes.length > MAX_DATAGRAM) {
          throw new TestkitError(
            'DATAGRAM_TOO_LARGE',
            `a datagram carries up to ${MAX_DATAGRAM} bytes, got ${bytes.length}`,
          )
        }
        this.#carry(Uint8Array.from(bytes), address, to, loopback)
      },
      joinGroup: (group, interfaceAddress) => {
        requireOpen()
        const wanted = withoutScope(interfaceAddress)
        if (wanted !== host && !isWildcard(wanted)) {
          throw new TestkitError('ADDRESS_NOT_AVAILABLE', `no interface of ${host} has the address ${interfaceAddress}`)
        }
        groups.add(withoutScope(group))
      },
      leaveGroup: (group) => {
        requireOpen()
        groups.delete(withoutScope(group))
      },
      close: async () => {
        if (!open) return
        open = false
        this.#ports.release(address, bound)
      },
    }
  }

  #carry(bytes: Uint8Array, from: SimulatedAddress, to: SimulatedAddress, loopback: boolean): void {
    const target = withoutScope(to.host)
    for (const receiver of this.#receivers(target, to.port, from.host, loopback)) {
      const there = receiver.address.host
      this.#counters.sent++
      const delays = this.#links.datagramDelays(from.host, there)
      if (delays.length === 0) this.#counters.lost++
      for (const delay of delays) {
        this.#clock.setTimeout(() => {
          if (this.#links.isOff(there)) this.#counters.lost++
          else receiver.deliver(Uint8Array.from(bytes), { ...from })
        }, delay)
      }
    }
  }

  #receivers(target: string, port: number, sender: string, loopback: boolean): BoundSocket[] {
    if (isMulticast(target)) {
      return this.#matching(port, (bound) => bound.groups.has(target) && (loopback || bound.address.host !== sender))
    }
    // Of several sockets that share an address the one bound last receives unicast, as on Linux.
    const last = this.#ports.at({ host: target, port }).at(-1)
    if (last !== undefined) return [last]
    return this.#matching(port, (bound) => isBroadcastFor(target, bound.address.host))
  }

  #matching(port: number, wanted: (bound: BoundSocket) => boolean): BoundSocket[] {
    return [...this.#ports.all()].filter((bound) => bound.address.port === port && wanted(bound))
  }
}
