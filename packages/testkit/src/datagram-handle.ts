import type { BoundSocket } from './bound-socket.js'
import { TestkitError } from './errors.js'
import type { SimulatedAddress } from './simulated-address.js'
import type { SimulatedBindOptions, SimulatedSocket } from './simulated-host.js'

/** What one socket may have waiting before an interface. */
const MAX_SEND_QUEUE = 262_144
const SENT: Promise<void> = Promise.resolve()

/** What a handle needs of the exchange. */
export interface HandleParts {
  readonly socket: BoundSocket
  readonly onSendError: SimulatedBindOptions['onSendError']
  readonly now: () => number
  /** Returns when the datagram has left its machine; undefined when it did not fit. Throws for what cannot be sent. */
  readonly send: (bytes: Uint8Array, to: SimulatedAddress) => number | undefined
  readonly join: (group: string, interfaceAddress: string) => void
  readonly leave: (group: string, interfaceAddress: string) => void
  readonly receiveBufferBytes: () => number
  readonly release: () => void
}

/** A datagram socket as its program has it. Once that program's life has ended, nothing of it does anything or settles. */
export class DatagramHandle implements SimulatedSocket {
  readonly address: SimulatedAddress
  readonly #parts: HandleParts
  /** What waits for its host and before interfaces, in the order of sending. */
  readonly #leaving: { readonly at: number; readonly bytes: number }[] = []
  #leavingBytes = 0
  #sendErrors = 0

  constructor(parts: HandleParts) {
    this.#parts = parts
    this.address = { ...parts.socket.address }
  }

  get sendQueueBytes(): number {
    this.#forgetLeft()
    return this.#leavingBytes
  }

  get sendErrors(): number {
    return this.#sendErrors
  }

  get receiveBufferBytes(): number {
    return this.#parts.receiveBufferBytes()
  }

  post(bytes: Uint8Array, to: SimulatedAddress): boolean {
    const { socket, onSendError } = this.#parts
    if (this.#dead || !socket.open || this.sendQueueBytes + bytes.length > MAX_SEND_QUEUE) return false
    const failure = this.#hand(bytes, to)
    if (failure === undefined) return true
    queueMicrotask(() => {
      if (!this.#dead && socket.open) onSendError?.(failure, to)
    })
    return true
  }

  send(bytes: Uint8Array, to: SimulatedAddress): Promise<void> {
    if (this.#dead) return new Promise(() => {})
    if (!this.#parts.socket.open) return Promise.reject(this.#closedError())
    const failure = this.#hand(bytes, to)
    return failure === undefined ? SENT : Promise.reject(failure)
  }

  joinGroup(group: string, interfaceAddress: string): void {
    if (this.#dead) return
    this.#requireOpen()
    this.#parts.join(group, interfaceAddress)
  }

  leaveGroup(group: string, interfaceAddress: string): void {
    if (this.#dead) return
    this.#requireOpen()
    this.#parts.leave(group, interfaceAddress)
  }

  async close(): Promise<void> {
    if (this.#dead) return new Promise(() => {})
    this.#parts.release()
  }

  get #dead(): boolean {
    return this.#parts.socket.processor.dead
  }

  #forgetLeft(): void {
    const now = this.#parts.now()
    for (let first = this.#leaving[0]; first !== undefined && first.at <= now; first = this.#leaving[0]) {
      this.#leaving.shift()
      this.#leavingBytes -= first.bytes
    }
  }

  /** Returns why it could not. */
  #hand(bytes: Uint8Array, to: SimulatedAddress): TestkitError | undefined {
    this.#forgetLeft()
    try {
      const left = this.#parts.send(bytes, to)
      if (left !== undefined && left > this.#parts.now()) {
        this.#leaving.push({ at: left, bytes: bytes.length })
        this.#leavingBytes += bytes.length
      }
      return undefined
    } catch (error) {
      if (!(error instanceof TestkitError)) throw error
      this.#sendErrors += 1
      return error
    }
  }

  #requireOpen(): void {
    if (!this.#parts.socket.open) throw this.#closedError()
  }

  #closedError(): TestkitError {
    const { host, port } = this.address
    return new TestkitError('SOCKET_CLOSED', `the socket at ${host} port ${port} is closed`)
  }
}
