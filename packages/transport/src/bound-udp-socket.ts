import type { createSocket, RemoteInfo, Socket } from 'node:dgram'
import type { networkInterfaces } from 'node:os'
import { type Address, formatAddress, requireAddress } from './address.js'
import { broadcastNotAllowed, otherFamily, refuseLongDatagram, requireGroup } from './checks.js'
import { interfaceArgument } from './datagram-socket-options.js'
import { errorCode, fromSystemError, TransportError } from './errors.js'
import { HostFamilies } from './host-families.js'
import type { BindOptions, DatagramHandler, DatagramSocket } from './network-protocol.js'
import type { Logger } from './ports.js'
import { SendProblems } from './send-problems.js'
import { isBroadcast } from './subnet.js'

/** Bytes that the kernel had no room for and that wait in Node. */
const MAX_SEND_QUEUE = 262_144
/** Bytes that wait for the end of the turn; the kernel takes more of them at any time. */
const MAX_OUTBOX = 65_536
/** Datagrams of one turn, whose outcome Node tells only after it. */
const MAX_UNTOLD = 8_192

interface Arrived {
  readonly bytes: Uint8Array
  readonly from: RemoteInfo
}

/** Called once with null, or with what went wrong. */
type Told = (error: unknown) => void

interface Outgoing {
  readonly bytes: Uint8Array
  readonly to: Address
  /** Of those sent by `send`. */
  readonly told: Told | undefined
}

/** What a socket needs of this machine. */
export interface DatagramMachine {
  readonly platform: string
  readonly interfaces: typeof networkInterfaces
  readonly createSocket: typeof createSocket
}

export interface UdpSocketOptions {
  /** Bound and set up; the new object owns it. */
  readonly socket: Socket
  readonly address: Address
  readonly options: BindOptions
  readonly onDatagram: DatagramHandler
  readonly logger: Logger
  readonly machine: DatagramMachine
}

/**
 * Hands over together what the loop read in one turn, and sends together what was posted in one: a processor that changes between
 * system calls and sealing at each datagram does either at half its speed.
 */
export class UdpSocket implements DatagramSocket {
  readonly address: Address
  readonly receiveBufferBytes: number
  readonly #socket: Socket
  readonly #family: 4 | 6
  readonly #broadcast: boolean
  readonly #onDatagram: DatagramHandler
  readonly #onSendError: BindOptions['onSendError']
  readonly #logger: Logger
  readonly #machine: DatagramMachine
  readonly #families = new HostFamilies()
  readonly #problems = new SendProblems()
  /** What came in this turn. The loop reads 32 datagrams at most before it comes to `setImmediate`. */
  readonly #inbox: Arrived[] = []
  readonly #outbox: Outgoing[] = []
  #outboxBytes = 0
  #untold = 0
  #sendErrors = 0
  #closing: Promise<void> | undefined

  constructor({ socket, address, options, onDatagram, logger, machine }: UdpSocketOptions) {
    this.#socket = socket
    this.address = address
    this.receiveBufferBytes = socket.getRecvBufferSize()
    this.#family = address.host.includes(':') ? 6 : 4
    this.#broadcast = options.broadcast ?? false
    this.#onDatagram = onDatagram
    this.#onSendError = options.onSendError
    this.#logger = logger
    this.#machine = machine
    socket.on('message', (bytes, from) => {
      if (this.#inbox.length === 0) setImmediate(this.#handOver)
      this.#inbox.push({ bytes, from })
    })
  }

  get sendQueueBytes(): number {
    return this.#closing === undefined ? this.#socket.getSendQueueSize() + this.#outboxBytes : 0
  }

  get sendErrors(): number {
    return this.#sendErrors
  }

  post(bytes: Uint8Array, to: Address): boolean {
    if (this.#closing !== undefined || this.#full(bytes)) return false
    this.#untold += 1
    try {
      this.#check(bytes, to)
      this.#put(bytes, to, undefined)
    } catch (error) {
      queueMicrotask(() => this.#posted(error, to))
    }
    return true
  }

  async send(bytes: Uint8Array, to: Address): Promise<void> {
    this.#requireOpen()
    this.#check(bytes, to)
    if (this.#full(bytes)) {
      throw new TransportError('DATAGRAM_DROPPED', `Over ${MAX_SEND_QUEUE} bytes wait to be sent.`, { address: to })
    }
    this.#untold += 1
    await new Promise<void>((resolve, reject) => {
      const told = (error: unknown): void => {
        this.#untold -= 1
        if (error === null) resolve()
        else reject(this.#failed(error, to))
      }
      this.#put(bytes, to, told)
    })
  }

  joinGroup(group: string, interfaceAddress: string): void {
    this.#requireOpen()
    requireGroup(group, this.address.host)
    this.#changeGroup('addMembership', group, interfaceAddress, ['EADDRINUSE'])
  }

  leaveGroup(group: string, interfaceAddress: string): void {
    this.#requireOpen()
    try {
      this.#changeGroup('dropMembership', group, interfaceAddress, ['EADDRNOTAVAIL', 'ENODEV'])
    } catch (error) {
      // With an interface its memberships go.
      if (errorCode(error) !== 'ADDRESS_NOT_AVAILABLE') throw error
    }
  }

  close(): Promise<void> {
    if (this.#closing === undefined) this.#flush()
    this.#closing ??= new Promise((resolve) => {
      this.#socket.removeAllListeners('message')
      this.#socket.close(resolve)
    })
    return this.#closing
  }

  #full(bytes: Uint8Array): boolean {
    return this.#untold >= MAX_UNTOLD || this.sendQueueBytes + bytes.length > MAX_SEND_QUEUE
  }

  readonly #handOver = (): void => {
    for (const { bytes, from } of this.#inbox.splice(0)) {
      if (this.#closing !== undefined) return
      try {
        this.#onDatagram(bytes, { host: from.address, port: from.port })
      } catch (error) {
        this.#logger.error({ from: from.address, error }, 'the datagram handler threw')
      }
    }
  }

  #put(bytes: Uint8Array, to: Address, told: Told | undefined): void {
    if (this.#outboxBytes + bytes.length > MAX_OUTBOX) this.#flush()
    if (this.#outbox.length === 0) process.nextTick(this.#flush)
    this.#outbox.push({ bytes, to, told })
    this.#outboxBytes += bytes.length
  }

  readonly #flush = (): void => {
    this.#outboxBytes = 0
    for (const { bytes, to, told } of this.#outbox.splice(0)) {
      // One function for all that was posted, as long as there is no problem that this one could end.
      const tell = told ?? (this.#problems.size === 0 ? this.#told : (error: unknown) => this.#posted(error, to))
      try {
        this.#socket.send(bytes, to.port, to.host, tell)
      } catch (error) {
        // Later, as the system's own errors come: whoever is told may close the socket, and what is left of the batch still has to leave.
        queueMicrotask(() => tell(error))
      }
    }
  }

  /** Whatever can be known before the system is asked. */
  #check(bytes: Uint8Array, to: Address): void {
    const family = this.#families.familyOf(to.host)
    if (family === 0 || !(to.port >= 1 && to.port <= 65_535)) requireAddress(to)
    if (family !== this.#family) throw otherFamily(to, this.address)
    refuseLongDatagram(bytes, to)
    if (!this.#broadcast && to.host === '255.255.255.255') throw broadcastNotAllowed(to)
  }

  /** Called by Node after a datagram; in an error it names the address. */
  readonly #told = (error: unknown): void => {
    if (error === null) this.#untold -= 1
    else this.#posted(error, addressIn(error))
  }

  #posted(error: unknown, to: Address): void {
    this.#untold -= 1
    if (error === null) {
      this.#problems.reached(to.host)
      return
    }
    const failure = this.#failed(error, to)
    if (this.#closing !== undefined) return
    this.#report(failure, to)
    try {
      this.#onSendError?.(failure, to)
    } catch (thrown) {
      this.#logger.error({ error: thrown }, 'onSendError threw')
    }
  }

  #failed(error: unknown, to: Address): TransportError {
    this.#sendErrors += 1
    const forbidden = errorCode(error) === 'EACCES' && !this.#broadcast && this.#isBroadcast(to.host)
    return forbidden
      ? broadcastNotAllowed(to, error)
      : fromSystemError(error, `send a datagram to ${formatAddress(to)}`, to)
  }

  #report(failure: TransportError, to: Address): void {
    const level = this.#problems.note(failure.code, errorCode(failure.cause) ?? failure.code, to.host)
    if (level === undefined) return
    const fields = { at: formatAddress(this.address), to: formatAddress(to), error: failure }
    this.#logger[level](fields, 'datagrams cannot be sent')
  }

  /** `harmless` is what the system answers when there was nothing to change. */
  #changeGroup(
    change: 'addMembership' | 'dropMembership',
    group: string,
    interfaceAddress: string,
    harmless: readonly string[],
  ): void {
    const { platform, interfaces } = this.#machine
    const { host, port } = this.address
    const on = interfaceArgument(platform, host, interfaceAddress, interfaces())
    try {
      this.#socket[change](group, on)
    } catch (error) {
      if (harmless.includes(errorCode(error) ?? '')) return
      const doing = `${change === 'addMembership' ? 'join' : 'leave'} ${group} on ${interfaceAddress}`
      throw fromSystemError(error, doing, { host: interfaceAddress, port })
    }
  }

  #isBroadcast(host: string): boolean {
    const all = Object.values(this.#machine.interfaces()).flatMap((addresses = []) => addresses)
    return all.some((one) => isBroadcast(host, one))
  }

  #requireOpen(): void {
    if (this.#closing === undefined) return
    throw new TransportError('SOCKET_CLOSED', `The socket at ${formatAddress(this.address)} was closed.`, {
      address: this.address,
    })
  }
}

function addressIn(error: unknown): Address {
  const { address: host = '', port = 0 } = error as { address?: string; port?: number }
  return { host, port }
}
