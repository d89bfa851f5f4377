import type { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import type { HostClock } from './host-clock.js'
import type { SimulatedAddress } from './simulated-address.js'

/** A stream whose other end's id is proved, as far as a simulation proves anything. Whoever receives it owns it. */
export interface SimulatedStream<Id> {
  readonly duplex: Duplex
  readonly remoteId: Id
  /** For accepted streams the port is the dialler's ephemeral one: not an address to dial. */
  readonly remoteAddress: SimulatedAddress
  readonly localAddress: SimulatedAddress
  /** True on the side that called `connect`. */
  readonly dialled: boolean
  /** 32 bytes that both ends have and no other stream, as TLS gives them. */
  readonly channelBinding: Uint8Array
}

export interface SimulatedListener {
  readonly address: SimulatedAddress
  /**
   * Opens the port anew at the same address; streams and dials under way stay. Rejects with ADDRESS_NOT_AVAILABLE when the machine has lost
   * that address, and then listens no more until a further call succeeds; with SOCKET_CLOSED after `close`.
   */
  reset(): Promise<void>
  /** Stops accepting; streams that were handed over stay. Idempotent. */
  close(): Promise<void>
}

export interface SimulatedSocket {
  readonly address: SimulatedAddress
  /** What it sent and what waits: before an interface, where the network has a `bandwidth`, and for a host that is busy. */
  readonly sendQueueBytes: number
  /** Datagrams that were taken and failed; grows only. */
  readonly sendErrors: number
  /** What it asked for, as far as the network's `receiveBufferBytes` allows. */
  readonly receiveBufferBytes: number
  /**
   * As `send`, without a promise; the bytes are copied at once. False, and nothing was taken, when 256 KiB of this socket wait, and
   * when it is closed. Anything else is counted and told to `onSendError` once the present turn is over.
   */
  post(bytes: Uint8Array, to: SimulatedAddress): boolean
  /**
   * Resolves when the host has taken the datagram, which says nothing about its arrival. The bytes are copied at once.
   * Rejects with DATAGRAM_TOO_LARGE, SOCKET_CLOSED, ADDRESS_INVALID, BROADCAST_NOT_ALLOWED, UNREACHABLE (no interface of that family).
   */
  send(bytes: Uint8Array, to: SimulatedAddress): Promise<void>
  /**
   * Receives what is sent to `group` on this socket's port, on the interface with that address (or, for IPv6, that scope:
   * `::%eth0`). Throws ADDRESS_NOT_AVAILABLE when the machine has no such interface, GROUP_NOT_HEARD when the socket is bound to
   * one address, ADDRESS_INVALID when `group` is none of its family.
   */
  joinGroup(group: string, interfaceAddress: string): void
  /** Leaving what was not joined, or an interface that is gone, is no error. */
  leaveGroup(group: string, interfaceAddress: string): void
  /** Idempotent. Nothing is delivered after the call. */
  close(): Promise<void>
}

export interface SimulatedConnectOptions<Id> {
  /** Another proved id rejects with WRONG_PEER. Compared by its `equals` method if it has one, else by `===`. */
  expect?: Id
  /** Time of the host for connection and handshake together, in ms. @default 5000 */
  timeoutMs?: number
  /** Rejects with its reason, at any moment before the promise settles. */
  signal?: AbortSignal
}

export interface SimulatedListenOptions {
  /** Accepted for the seam's sake: the simulated backlog is never full. */
  backlog?: number
  /** Asked about each connection before its handshake; false cuts it, and the dial rejects with CONNECTION_RESET. @default everybody */
  admit?(from: SimulatedAddress): boolean
  /** Refused with NOT_SUPPORTED: there are no descriptors here. */
  fd?: number
  signal?: AbortSignal
}

export interface SimulatedBindOptions {
  host: string
  /** 0 takes any free port. */
  port: number
  /** Lets other sockets bind the same port: each receives multicast, only the last one bound receives unicast. @default false */
  shareAddress?: boolean
  /** The interface that multicast leaves by (default: the first), and whether sockets of this machine get it too (default: yes). */
  multicast?: { interfaceAddress: string; ttl?: number; loopback?: boolean }
  /** Lets it send to `255.255.255.255` and to the broadcast addresses of its interfaces. @default false */
  broadcast?: boolean
  /** What may wait to be received; the network's `receiveBufferBytes` is the most. @default the most */
  receiveBufferBytes?: number
  /** Told of each datagram taken by `post` that failed. */
  onSendError?(error: Error & { readonly code: string; readonly retryable: boolean }, to: SimulatedAddress): void
  signal?: AbortSignal
}

/**
 * One life of one process on one machine of a simulated network: what a real program would get from its operating
 * system. Several hosts may share a machine, as several programs do.
 *
 * A life ends by `crash` or `powerOff` of the network. From then on nothing that belongs to it is ever called again: no
 * timer, no listener, no event; no promise that it waits for settles, and calls on it do nothing.
 */
export interface SimulatedHost<Id> {
  /** For logs: `simulated`. */
  readonly name: string
  readonly id: Id
  /** The first of `addresses`. */
  readonly address: string
  /** Of all interfaces but loopback, in their order; they follow `changeAddress`. */
  readonly addresses: readonly string[]
  /** False once this life has ended. */
  readonly running: boolean
  /** The clock of this life: `now()` starts at 0 with it and follows the drift of the machine; stands still while it sleeps. */
  readonly clock: HostClock
  /** As `os.networkInterfaces()` would list them. */
  interfaces(): ReturnType<typeof networkInterfaces>
  /**
   * Takes `ms` of this host's processor: what it sends leaves after it, and what it is to receive, timers included, waits for it.
   */
  spend(ms: number): void
  /** Rejects with CONNECTION_REFUSED, CONNECTION_RESET, CONNECT_TIMEOUT, UNREACHABLE, WRONG_PEER, SELF_DIALLED, ADDRESS_INVALID or the signal's reason. */
  connect(address: SimulatedAddress, options?: SimulatedConnectOptions<Id>): Promise<SimulatedStream<Id>>
  /** Rejects with ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, ADDRESS_INVALID. */
  listen(
    address: SimulatedAddress,
    onStream: (stream: SimulatedStream<Id>) => void,
    options?: SimulatedListenOptions,
  ): Promise<SimulatedListener>
  /** Rejects as `listen` does. Each datagram's bytes belong to the receiver. */
  bind(
    options: SimulatedBindOptions,
    onDatagram: (bytes: Uint8Array, from: SimulatedAddress) => void,
  ): Promise<SimulatedSocket>
}
