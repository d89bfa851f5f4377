import type { networkInterfaces } from 'node:os'
import type { BoundSocket } from './bound-socket.js'
import type { DatagramExchange } from './datagram-exchange.js'
import { TestkitError } from './errors.js'
import { HostClock } from './host-clock.js'
import type { Machine } from './machine.js'
import { Processor } from './processor.js'
import { requireAddress, type SimulatedAddress } from './simulated-address.js'
import type {
  SimulatedBindOptions,
  SimulatedConnectOptions,
  SimulatedHost,
  SimulatedListener,
  SimulatedListenOptions,
  SimulatedSocket,
  SimulatedStream,
} from './simulated-host.js'
import { type ListeningSocket, StreamDial, type StreamOwner } from './stream-dial.js'
import type { StreamEnd } from './stream-end.js'
import type { StreamNetwork } from './stream-path.js'

const DEFAULT_CONNECT_TIMEOUT_MS = 5_000

/** What all hosts of a network share. */
export interface Surroundings extends StreamNetwork {
  readonly datagrams: DatagramExchange
}

/** One life of a process on the simulated network: owns its sockets, streams and timers, and loses them when it ends. */
export class HostProcess<Id> implements SimulatedHost<Id>, StreamOwner {
  readonly name = 'simulated'
  readonly id: Id
  readonly machine: Machine
  readonly processor: Processor
  readonly clock: HostClock
  readonly streams: Set<StreamEnd> = new Set()
  readonly #around: Surroundings
  readonly #sockets = new Set<BoundSocket>()
  readonly #listeners = new Set<ListeningSocket>()
  readonly #dials = new Set<StreamDial>()
  #paused = false

  constructor(id: Id, machine: Machine, around: Surroundings) {
    this.id = id
    this.machine = machine
    this.#around = around
    this.processor = new Processor(around.agenda)
    this.clock = new HostClock(around.agenda, machine.time, this.processor)
    if (machine.time.asleep) this.processor.stop()
  }

  get running(): boolean {
    return !this.processor.dead
  }

  get address(): string {
    return this.addresses[0] ?? '127.0.0.1'
  }

  get addresses(): readonly string[] {
    return this.machine.addresses
  }

  interfaces(): ReturnType<typeof networkInterfaces> {
    return this.machine.list()
  }

  spend(ms: number): void {
    if (!(ms >= 0 && Number.isFinite(ms))) {
      throw new TestkitError('BAD_ARGUMENT', `spend() needs a number of milliseconds of at least 0, got ${ms}`)
    }
    this.processor.spend(ms)
  }

  connect(address: SimulatedAddress, options: SimulatedConnectOptions<Id> = {}): Promise<SimulatedStream<Id>> {
    const { timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, signal, expect } = options
    return new Promise((resolve, reject) => {
      if (!this.running) return
      signal?.throwIfAborted()
      const end = (): void => {
        dial.cut()
        this.#dials.delete(dial)
        this.clock.clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const fail = (error: unknown): void => {
        end()
        reject(error)
      }
      const onAbort = (): void => {
        if (this.running) fail(signal?.reason)
      }
      const dial = new StreamDial(this.#around, {
        owner: this,
        address,
        expect,
        onStream: (stream) => {
          end()
          resolve(stream as SimulatedStream<Id>)
        },
        onError: fail,
      })
      const timer = this.clock.setTimeout(
        () => fail(new TestkitError('CONNECT_TIMEOUT', `no answer from ${address.host} within ${timeoutMs} ms`)),
        timeoutMs,
      )
      this.#dials.add(dial)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  listen(
    wanted: SimulatedAddress,
    onStream: (stream: SimulatedStream<Id>) => void,
    options: SimulatedListenOptions = {},
  ): Promise<SimulatedListener> {
    return this.#alive(options.signal, () => {
      const { listeners } = this.machine
      if (options.fd !== undefined) {
        throw new TestkitError('NOT_SUPPORTED', `a simulated machine has no descriptors, got fd ${options.fd}`)
      }
      const address = listeners.resolve(wanted, false, (bound) => this.machine.owns(bound))
      const listening: ListeningSocket = {
        shared: false,
        address,
        bound: requireAddress(address, 1),
        owner: this,
        onStream: (stream) => onStream(stream as SimulatedStream<Id>),
        admits: (from) => options.admit?.(from) ?? true,
      }
      listeners.claim(listening)
      this.#listeners.add(listening)
      let open = true
      const reset = (): Promise<void> =>
        this.#alive(undefined, () => {
          if (!open) throw new TestkitError('SOCKET_CLOSED', `the listener at ${address.host} was closed`)
          listeners.release(listening)
          listeners.resolve(address, false, (bound) => this.machine.owns(bound))
          listeners.claim(listening)
        })
      const close = (): Promise<void> =>
        this.#alive(undefined, () => {
          open = false
          this.#listeners.delete(listening)
          listeners.release(listening)
        })
      return { address, reset, close }
    })
  }

  bind(
    options: SimulatedBindOptions,
    onDatagram: (bytes: Uint8Array, from: SimulatedAddress) => void,
  ): Promise<SimulatedSocket> {
    return this.#alive(options.signal, () => {
      const onClose = (closed: BoundSocket): void => void this.#sockets.delete(closed)
      const { bound, socket } = this.#around.datagrams.bind(this, options, onDatagram, onClose)
      this.#sockets.add(bound)
      return socket
    })
  }

  keep(stream: StreamEnd): void {
    this.streams.add(stream)
    stream.once('close', () => this.streams.delete(stream))
  }

  pause(): void {
    if (!this.#paused) this.processor.stop()
    this.#paused = true
  }

  resume(): void {
    if (this.#paused) this.processor.start()
    this.#paused = false
  }

  /** This life ends at once. The other ends of its streams are reset, or hear nothing when the whole machine is off. */
  end(tellOthers: boolean): void {
    if (!this.running) return
    for (const stream of this.streams) stream.abandon(tellOthers)
    for (const socket of this.#sockets) this.#around.datagrams.release(socket)
    for (const listening of this.#listeners) this.machine.listeners.release(listening)
    for (const dial of this.#dials) dial.cut()
    for (const owned of [this.streams, this.#sockets, this.#listeners, this.#dials]) owned.clear()
    this.processor.kill()
    this.#around.agenda.cancelOwned(this.processor)
  }

  /** As an async function, except that nothing settles once this life has ended. */
  #alive<T>(signal: AbortSignal | undefined, work: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (!this.running) return
      signal?.throwIfAborted()
      resolve(work())
    })
  }
}
