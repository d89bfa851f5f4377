import { type Address, familyOf, formatAddress, requireAddress } from './address.js'
import { broadcastNotAllowed, otherFamily, refuseLongDatagram, requireGroup } from './checks.js'
import { TransportError } from './errors.js'
import type { BindOptions, DatagramHandler, DatagramSocket } from './network-protocol.js'

/** As for sockets of the system, though here everything leaves when the turn is over. */
const MAX_SEND_QUEUE = 262_144

export interface MemorySocketOptions {
  /** Where it is bound; the options may say `0.0.0.0` or `::` instead. */
  readonly address: Address
  readonly options: BindOptions
  readonly onDatagram: DatagramHandler
  readonly carry: (bytes: Uint8Array, to: Address) => void
  readonly onClose: () => void
}

/** A datagram socket of a `MemoryNetwork`. */
export class MemorySocket implements DatagramSocket {
  readonly address: Address
  readonly shared: boolean
  readonly receiveBufferBytes: number
  readonly #parts: MemorySocketOptions
  readonly #groups = new Set<string>()
  #sendQueueBytes = 0
  #sendErrors = 0
  #open = true

  constructor(parts: MemorySocketOptions) {
    const { address, options } = parts
    this.#parts = parts
    this.address = address
    this.shared = options.shareAddress ?? false
    this.receiveBufferBytes = options.receiveBufferBytes ?? Number.MAX_SAFE_INTEGER
  }

  get sendQueueBytes(): number {
    return this.#sendQueueBytes
  }

  get sendErrors(): number {
    return this.#sendErrors
  }

  get hearsBroadcasts(): boolean {
    return this.#parts.options.host === '0.0.0.0'
  }

  isIn(group: string): boolean {
    return this.#groups.has(group)
  }

  deliver(bytes: Uint8Array, from: Address): void {
    if (this.#open) this.#parts.onDatagram(bytes, from)
  }

  post(bytes: Uint8Array, to: Address): boolean {
    if (!this.#open || this.#sendQueueBytes + bytes.length > MAX_SEND_QUEUE) return false
    this.#sendQueueBytes += bytes.length
    const outcome = this.#hand(bytes, to)
    queueMicrotask(() => {
      this.#sendQueueBytes -= bytes.length
      if (outcome !== undefined && this.#open) this.#parts.options.onSendError?.(outcome, to)
    })
    return true
  }

  async send(bytes: Uint8Array, to: Address): Promise<void> {
    this.#requireOpen()
    const failure = this.#hand(new Uint8Array(bytes), to)
    if (failure !== undefined) throw failure
  }

  joinGroup(group: string, interfaceAddress: string): void {
    this.#requireOpen()
    requireGroup(group, this.#parts.options.host)
    requireInterface(interfaceAddress, this.address.host)
    this.#groups.add(group)
  }

  leaveGroup(group: string, _interfaceAddress: string): void {
    this.#requireOpen()
    this.#groups.delete(group)
  }

  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    this.#parts.onClose()
  }

  /** Returns why it could not. */
  #hand(bytes: Uint8Array, to: Address): TransportError | undefined {
    try {
      requireAddress(to)
      if (familyOf(to.host) !== familyOf(this.address.host)) throw otherFamily(to, this.address)
      refuseLongDatagram(bytes, to)
      if (to.host === '255.255.255.255' && !this.#parts.options.broadcast) throw broadcastNotAllowed(to)
      this.#parts.carry(bytes, to)
      return undefined
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      this.#sendErrors += 1
      return error
    }
  }

  #requireOpen(): void {
    if (this.#open) return
    throw new TransportError('SOCKET_CLOSED', `The socket at ${formatAddress(this.address)} was closed.`, {
      address: this.address,
    })
  }
}

/** @throws TransportError ADDRESS_NOT_AVAILABLE unless it is the one of `host` */
export function requireInterface(interfaceAddress: string, host: string): void {
  if (interfaceAddress === host) return
  throw new TransportError(
    'ADDRESS_NOT_AVAILABLE',
    `No interface has the address ${interfaceAddress}; the only one is ${host}.`,
  )
}
