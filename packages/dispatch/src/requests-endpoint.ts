/**
 * The one door for datagrams: everything that arrives on any socket goes through `receive`, and everything leaves
 * through `send`. Datagrams under the network MAC are spoken here; they carry hints, never facts. The order of checks
 * puts the cheap before the dear and remembers nothing that has not been proved, but for the bounded address buckets.
 */
import type { Network } from '@pc/identity'
import { type Address, type Clock, type DatagramSocket, type Logger, silentLogger } from '@pc/transport'
import {
  DATAGRAM_LIMITS,
  type Datagram,
  decodeValue,
  encodeValue,
  InvalidPacketError,
  MAX_DATAGRAM,
  Protection,
  packMacDatagram,
  RootCode,
  readDatagram,
  type Value,
} from '@pc/wire'
import { AddressLimiter, type AddressLimiterOptions } from './address-limiter.js'
import { DispatchError } from './errors.js'
import { ReplayGuard } from './replay-guard.js'
import { noCounters, type RequestsCounters } from './requests-counters.js'

/** A datagram whose MAC, freshness and encoding are checked; its body's shape is not. */
export interface Announcement {
  readonly rootCode: number
  readonly body: Value
  /** 8 bytes, drawn by the sender at its start. */
  readonly bootId: Uint8Array
  /** The sender's stamp: rises with every datagram of a boot, and compares with nothing else. */
  readonly sentAt: number
  /** Where it came from, unproved. */
  readonly from: Address
  /** The socket it came in by, when `receive` was told. */
  readonly via: DatagramSocket | undefined
}

export type AnnouncementHandler = (announcement: Announcement) => void

export interface RequestsEndpointLimits {
  /** Buckets of addresses on the network. */
  addresses?: AddressLimiterOptions
  /** Buckets of loopback addresses: all peers of one machine share one there. @default 1000/s, burst 2000 */
  loopback?: AddressLimiterOptions
  /** Boots whose last stamp is remembered. @default 4096 */
  boots?: number
}

export interface RequestsEndpointOptions {
  network: Network
  /** 8 bytes, drawn anew at every start: stamps rise within one boot only. */
  bootId: Uint8Array
  clock: Clock
  limits?: RequestsEndpointLimits
  /** @default silentLogger */
  logger?: Logger
}

export interface ReceiveOptions {
  /** For sockets whose port is shared with other peers of the machine: they may take announcements, nothing else. */
  announcementsOnly?: boolean
}

const BOOT_ID_BYTES = 8
const MIN_DATAGRAM = 2 // root code, version and protection
const LOOPBACK_LIMIT: AddressLimiterOptions = { ratePerSecond: 1_000, burst: 2_000 } // dozens of peers starting at once

export class RequestsEndpoint {
  /** Live: read it whenever you like, change nothing. */
  readonly counters: Readonly<RequestsCounters>
  readonly #counters: RequestsCounters = noCounters()
  readonly #network: Network
  readonly #bootId: Uint8Array
  readonly #bootKey: string
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #limiter: AddressLimiter
  readonly #loopbackLimiter: AddressLimiter
  readonly #replayGuard: ReplayGuard
  readonly #handlers = new Map<number, AnnouncementHandler>()
  readonly #sockets = new Set<DatagramSocket>()
  #lastSentAt = 0
  #closed = false

  static create(options: RequestsEndpointOptions): RequestsEndpoint {
    return new RequestsEndpoint(options)
  }

  private constructor(options: RequestsEndpointOptions) {
    if (options.bootId.length !== BOOT_ID_BYTES) {
      throw new DispatchError('INVALID_ARGUMENT', `expected a bootId of 8 bytes, got ${options.bootId.length}`)
    }
    this.counters = this.#counters
    this.#network = options.network
    this.#bootId = Uint8Array.from(options.bootId)
    this.#bootKey = keyOf(options.bootId)
    this.#clock = options.clock
    this.#logger = options.logger ?? silentLogger
    this.#limiter = new AddressLimiter(options.limits?.addresses)
    this.#loopbackLimiter = new AddressLimiter({ ...LOOPBACK_LIMIT, ...options.limits?.loopback })
    this.#replayGuard = new ReplayGuard(options.limits?.boots)
  }

  /**
   * Makes a socket one that `send` may choose. It stays its owner's, who closes it and hands what it receives to
   * `receive`. The returned function takes it away again.
   */
  attach(socket: DatagramSocket): () => void {
    this.#requireOpen()
    this.#sockets.add(socket)
    return () => {
      this.#sockets.delete(socket)
    }
  }

  /**
   * Names the one handler of a root code. It gets bodies of any shape and must check them; what it throws is counted
   * and logged. The returned function takes it away again.
   * @throws DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED
   */
  register(rootCode: number, handler: AnnouncementHandler): () => void {
    this.#requireOpen()
    if (!Number.isInteger(rootCode) || rootCode < 0 || rootCode > 0xff) {
      throw new DispatchError('INVALID_ARGUMENT', `expected a root code of 0 to 255, got ${rootCode}`)
    }
    if (this.#handlers.has(rootCode)) {
      throw new DispatchError('HANDLER_EXISTS', `root code ${rootCode} already has a handler: unregister it first`)
    }
    this.#handlers.set(rootCode, handler)
    return () => {
      if (this.#handlers.get(rootCode) === handler) this.#handlers.delete(rootCode)
    }
  }

  /** Takes any bytes from anybody; never throws. `bytes` belongs to the endpoint from here on. */
  receive(bytes: Uint8Array, from: Address, via?: DatagramSocket, options: ReceiveOptions = {}): void {
    if (this.#closed) return
    this.#counters.received++
    const outcome = this.#process(bytes, from, via, options)
    this.#counters[outcome]++
    if (outcome !== 'handled' && outcome !== 'own') this.#logger.trace({ from, reason: outcome }, 'datagram refused')
  }

  /**
   * Sends one datagram; resolves when the machine has taken it, which says nothing about its arrival. Without `via` the
   * first attached socket of the right address family is used.
   *
   * Rejects with DispatchError NO_SOCKET or CLOSED, WireError for a body that cannot be encoded or is too large, or
   * the socket's error.
   */
  async send(rootCode: number, body: Value, to: Address, via?: DatagramSocket): Promise<void> {
    this.#requireOpen()
    try {
      const socket = via ?? this.#socketFor(to)
      const fields = {
        rootCode,
        keyId: this.#network.keyId,
        sentAt: this.#stamp(),
        bootId: this.#bootId,
        body: encodeValue(body, DATAGRAM_LIMITS),
      }
      await socket.send(
        packMacDatagram(fields, (authenticated) => this.#network.mac(authenticated)),
        to,
      )
    } catch (error) {
      this.#counters.sendFailed++
      throw error
    }
    this.#counters.sent++
  }

  /** Hears and sends nothing from now on. The sockets stay their owners'. Idempotent. */
  close(): Promise<void> {
    this.#closed = true
    this.#handlers.clear()
    this.#sockets.clear()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #process(
    bytes: Uint8Array,
    from: Address,
    via: DatagramSocket | undefined,
    { announcementsOnly = false }: ReceiveOptions,
  ): keyof RequestsCounters {
    if (bytes.length < MIN_DATAGRAM || bytes.length > MAX_DATAGRAM) return 'length'
    const rootCode = bytes[0] as number
    if (announcementsOnly && rootCode !== RootCode.DISCOVERY) return 'notAnnouncement'
    const handler = this.#handlers.get(rootCode)
    if (handler === undefined) return 'rootCode'
    const datagram = readOrRefuse(bytes)
    if (typeof datagram === 'string') return datagram
    if (datagram.protection !== Protection.NETWORK_MAC) return 'protection'
    const boot = keyOf(datagram.bootId)
    // Before the bucket: other peers of this machine share our address, and our own echo must not use up their share.
    if (boot === this.#bootKey) return 'own'
    if (!this.#bucketsFor(from).allow(from.host, this.#clock.now())) return 'addressLimit'
    if (datagram.keyId !== this.#network.keyId) return 'keyId'
    if (!this.#network.verify(datagram.authenticated, datagram.mac)) return 'mac'
    if (!this.#replayGuard.accept(boot, datagram.sentAt)) return 'replay'
    const decoded = decodeOrRefuse(datagram.body)
    if (typeof decoded === 'string') return decoded
    const bootId = Uint8Array.from(datagram.bootId) // may be kept for long, and must not keep the whole datagram
    return this.#handle(handler, { rootCode, body: decoded.body, bootId, sentAt: datagram.sentAt, from, via })
  }

  #handle(handler: AnnouncementHandler, announcement: Announcement): 'handled' | 'handlerFailed' {
    try {
      handler(announcement)
      return 'handled'
    } catch (error) {
      const { rootCode, from } = announcement
      this.#logger.debug({ error, rootCode, from }, 'the handler of a root code failed')
      return 'handlerFailed'
    }
  }

  #bucketsFor(from: Address): AddressLimiter {
    return from.host.startsWith('127.') || from.host === '::1' ? this.#loopbackLimiter : this.#limiter
  }

  #socketFor(to: Address): DatagramSocket {
    const v6 = to.host.includes(':')
    for (const socket of this.#sockets) {
      if (socket.address.host.includes(':') === v6) return socket
    }
    throw new DispatchError('NO_SOCKET', `no attached socket can reach ${to.host}: attach one of its address family`)
  }

  /** Strictly rising within this boot, even when the machine's clock is set back. */
  #stamp(): number {
    this.#lastSentAt = Math.max(this.#lastSentAt + 1, Math.floor(this.#clock.unixNow()))
    return this.#lastSentAt
  }

  #requireOpen(): void {
    if (this.#closed) throw new DispatchError('CLOSED', 'the requests endpoint is closed: make a new one')
  }
}

function readOrRefuse(bytes: Uint8Array): Datagram | 'length' | 'rootCode' | 'version' | 'protection' {
  try {
    return readDatagram(bytes)
  } catch (error) {
    if (!(error instanceof InvalidPacketError)) throw error
    if (error.code === 'VERSION_UNSUPPORTED') return 'version'
    if (error.code === 'PROTECTION_UNKNOWN') return 'protection'
    return error.code === 'ROOT_CODE_UNKNOWN' ? 'rootCode' : 'length'
  }
}

function decodeOrRefuse(bytes: Uint8Array): { body: Value } | 'decode' {
  try {
    return { body: decodeValue(bytes, DATAGRAM_LIMITS) }
  } catch (error) {
    if (!(error instanceof InvalidPacketError)) throw error
    return 'decode'
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
