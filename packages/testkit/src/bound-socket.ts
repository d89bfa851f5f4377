import type { Interface } from './interface.js'
import type { Machine } from './machine.js'
import type { PortOwner } from './ports.js'
import type { Processor } from './processor.js'
import type { SimulatedAddress } from './simulated-address.js'

/** Who binds: one life of a host. */
export interface DatagramOwner {
  readonly machine: Machine
  readonly processor: Processor
}

/** A datagram socket as the network sees it. */
export interface BoundSocket extends PortOwner, DatagramOwner {
  /** The interfaces on which each group was joined. */
  readonly groups: Map<string, Set<Interface>>
  readonly onDatagram: (bytes: Uint8Array, from: SimulatedAddress) => void
  /** By which multicast leaves; undefined: the first that leads there. */
  readonly outward: Interface | undefined
  /** Whether sockets of its machine get the multicast it sends. */
  readonly loopback: boolean
  readonly broadcast: boolean
  /** What may wait for the host, if the machine allows so much. */
  readonly receiveBufferBytes: number
  /** What waits for the host, with book-keeping. */
  waitingBytes: number
  open: boolean
}
