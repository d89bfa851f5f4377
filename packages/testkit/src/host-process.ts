import type { DatagramExchange } from './datagram-exchange.js'
import { TestkitError } from './errors.js'
import type { Links } from './links.js'
import type { Ports } from './ports.js'
import { requireAddress, type SimulatedAddress, withoutScope } from './simulated-address.js'
import type {
  SimulatedBindOptions,
  SimulatedConnectOptions,
  SimulatedHost,
  SimulatedListener,
  SimulatedListenOptions,
  SimulatedSocket,
  SimulatedStream,
} from './simulated-host.js'
import { StreamEnd } from './stream-end.js'
import type { VirtualClock } from './virtual-clock.js'

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000
/** Linux's first wait before it repeats an unanswered SYN; doubled each time. */
const FIRST_SYN_RETRY_MS = 1_000
/** Three unanswered ARP requests, one second apart: then the machine reports that there is no such neighbour. */
const NO_NEIGHBOUR_MS = 3_000

export interface ListeningSocket<Id> {
  readonly shared: false
  readonly address: SimulatedAddress
  readonly host: HostProcess<Id>
  readonly onStream: (stream: SimulatedStream<Id>) => void
}

/** What all hosts of a network share. */
export interface Surroundings<Id> {
  readonly clock: VirtualClock
  readonly links: Links
  readonly listeners: Ports<ListeningSocket<Id>>
  readonly datagrams: DatagramExchange
  /** Whether any host, running or not, has that address. */
  knows(address: string): boolean
}

/** A process on the simulated network: owns its sockets and streams, and loses them when it goes down. */
export class HostProcess<Id> implements SimulatedHost<Id> {
  readonly name = 'simulated'
  readonly id: Id
  readonly address: string
  readonly #around: Surroundings<Id>
  readonly #dials = new Set<AbortController>()
  readonly #streams = new Set<StreamEnd>()
  readonly #sockets = new Set<{ close(): Promise<void> }>()
  #running = true

  constructor(id: Id, address: string, around: Surroundings<Id>) {
    this.id = id
    this.address = address
    this.#around = around
  }

  get running(): boolean {
    return this.#running
  }

  async connect(address: SimulatedAddress, options: SimulatedConnectOptions<Id> = {}): Promise<SimulatedStream<Id>> {
    options.signal?.throwIfAborted()
    requireAddress(address, 1)
    this.#requireRunning()
    const { clock } = this.#around
    const timeoutMs = options.timeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS
    const dial = new AbortController()
    this.#dials.add(dial)
    const timer = clock.setTimeout(() => {
      dial.abort(new TestkitError('CONNECT_TIMEOUT', `no answer from ${address.host} within ${timeoutMs} ms`))
    }, timeoutMs)
    const onAbort = (): void => dial.abort(options.signal?.reason)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await this.#dial(address, options.expect, dial.signal)
    } finally {
      clock.clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      this.#dials.delete(dial)
    }
  }

  async listen(
    wanted: SimulatedAddress,
    onStream: (stream: SimulatedStream<Id>) => void,
    options: SimulatedListenOptions = {},
  ): Promise<SimulatedListener> {
    options.signal?.throwIfAborted()
    this.#requireRunning()
    const { listeners } = this.#around
    const address = listeners.resolve(this.address, wanted, false)
    const listening: ListeningSocket<Id> = { shared: false, address, host: this, onStream }
    listeners.claim(address, listening)
    const close = async (): Promise<void> => listeners.release(address, listening)
    return this.#own({ address, close })
  }

  async bind(
    options: SimulatedBindOptions,
    onDatagram: (bytes: Uint8Array, from: SimulatedAddress) => void,
  ): Promise<SimulatedSocket> {
    options.signal?.throwIfAborted()
    this.#requireRunning()
    return this.#own(this.#around.datagrams.bind(this.address, options, onDatagram))
  }

  /** The process ends at once. The other ends of its streams are reset, or hear nothing when the whole machine is off. */
  stop(tellOthers: boolean): void {
    if (!this.#running) return
    this.#running = false
    for (const dial of this.#dials) dial.abort(this.#downError())
    for (const socket of this.#sockets) void socket.close()
    for (const stream of this.#streams) stream.abandon(tellOthers)
    this.#streams.clear()
  }

  start(): void {
    this.#running = true
  }

  async #dial(address: SimulatedAddress, expect: Id | undefined, signal: AbortSignal): Promise<SimulatedStream<Id>> {
    const { clock, listeners, knows } = this.#around
    const target = { host: withoutScope(address.host), port: address.port }
    if (!knows(target.host)) {
      await sleep(clock, NO_NEIGHBOUR_MS, signal)
      throw new TestkitError('UNREACHABLE', `no host has the address ${address.host}`)
    }
    for (let retryMs = FIRST_SYN_RETRY_MS; ; retryMs *= 2) {
      // One round trip for the connection, one for the handshake that proves the ids.
      if (await this.#roundTrip(target.host, signal)) {
        const listening = listeners.at(target)[0]
        if (listening === undefined) {
          throw new TestkitError('CONNECTION_REFUSED', `nobody listens on port ${address.port} of ${address.host}`)
        }
        if (await this.#roundTrip(target.host, signal)) return this.#handOver(listening, address, expect)
      }
      await sleep(clock, retryMs, signal)
    }
  }

  async #roundTrip(to: string, signal: AbortSignal): Promise<boolean> {
    const { clock, links } = this.#around
    const bothWays = (): boolean => links.passable(this.address, to) && links.passable(to, this.address)
    if (!bothWays()) return false
    await sleep(clock, links.streamDelay(this.address, to) + links.streamDelay(to, this.address), signal)
    return bothWays()
  }

  #handOver(listening: ListeningSocket<Id>, address: SimulatedAddress, expect: Id | undefined): SimulatedStream<Id> {
    const { links, listeners } = this.#around
    const there = listening.host
    if (same(there.id, this.id)) {
      throw new TestkitError('SELF_DIALLED', `${address.host} port ${address.port} leads back to this host itself`)
    }
    if (expect !== undefined && !same(there.id, expect)) {
      throw new TestkitError(
        'WRONG_PEER',
        `expected ${expect} at ${address.host} port ${address.port}, but ${there.id} is there`,
      )
    }
    const localAddress = { host: this.address, port: listeners.ephemeralPort(this.address) }
    const ours = new StreamEnd(() => {})
    const theirs = new StreamEnd(() => {
      if (listeners.at(listening.address)[0] !== listening) return theirs.abandon(true)
      listening.onStream({
        duplex: theirs,
        remoteId: this.id,
        remoteAddress: localAddress,
        localAddress: listening.address,
        dialled: false,
      })
    })
    ours.join(theirs, links.path(this.address, there.address))
    theirs.join(ours, links.path(there.address, this.address))
    this.#keep(ours)
    there.#keep(theirs)
    ours.open()
    return { duplex: ours, remoteId: there.id, remoteAddress: address, localAddress, dialled: true }
  }

  #keep(stream: StreamEnd): void {
    this.#streams.add(stream)
    stream.once('close', () => this.#streams.delete(stream))
  }

  #own<Socket extends { close(): Promise<void> }>(socket: Socket): Socket {
    const owned: Socket = {
      ...socket,
      close: async () => {
        this.#sockets.delete(owned)
        await socket.close()
      },
    }
    this.#sockets.add(owned)
    return owned
  }

  #requireRunning(): void {
    if (!this.#running) throw this.#downError()
  }

  #downError(): TestkitError {
    return new TestkitError('UNREACHABLE', `the host at ${this.address} is down: restart it first`)
  }
}

function same<Id>(a: Id, b: Id): boolean {
  const comparable = a as { equals?: unknown } | null | undefined
  return typeof comparable?.equals === 'function' ? comparable.equals(b) === true : a === b
}

/** Rejects with the signal's reason as soon as it aborts. */
function sleep(clock: VirtualClock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      clock.clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = clock.setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}
