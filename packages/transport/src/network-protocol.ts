/**
 * The seam between this stack and a network. Streams are reliable and come with a proved key; datagrams are best effort
 * and prove nothing. `systemProtocol` (TLS 1.3 and UDP of this machine), `MemoryNetwork` (this process) and the simulated
 * network of `@pc/testkit` implement it; one contract suite runs against all of them.
 *
 * Errors: a `TransportError`, or from an implementation elsewhere an `Error` with one of its codes and `retryable`.
 */
import type { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import type { PeerId } from '@pc/identity'
import type { Address } from './address.js'

/** A reliable stream of bytes whose other end has proved its key. Whoever receives it owns it and must destroy it. */
export interface SecureStream {
  /**
   * The bytes. An `'error'` before the owner has attached a listener is not thrown: the stream is then destroyed, and `errored`
   * tells why.
   */
  readonly duplex: Duplex
  /** Proved before the stream is handed over. */
  readonly remoteId: PeerId
  /** For accepted streams the port is the dialler's ephemeral one: not an address to dial. */
  readonly remoteAddress: Address
  readonly localAddress: Address
  /** True on the side that called `connect`. */
  readonly dialled: boolean
}

/** A listening socket. */
export interface StreamListener {
  /** Where it listens; never port 0. */
  readonly address: Address
  /** Stops accepting and cuts handshakes that are under way; streams that were handed over stay. Idempotent. */
  close(): Promise<void>
}

/** An open socket for datagrams. */
export interface DatagramSocket {
  /** Where it is bound; never port 0. */
  readonly address: Address
  /**
   * Resolves when the machine has taken the datagram, which says nothing about its arrival. `bytes` must not change before.
   * @throws TransportError DATAGRAM_TOO_LARGE (over 1,200 bytes), DATAGRAM_DROPPED, UNREACHABLE, SOCKET_CLOSED …
   */
  send(bytes: Uint8Array, to: Address): Promise<void>
  /**
   * Receives what is sent to `group` on the interface that has `interfaceAddress`. Joining twice is no error.
   * @throws TransportError ADDRESS_NOT_AVAILABLE when no interface has that address
   */
  joinGroup(group: string, interfaceAddress: string): void
  /** Undoes {@link DatagramSocket.joinGroup}; leaving a group that was not joined is no error. */
  leaveGroup(group: string, interfaceAddress: string): void
  /** Idempotent. Nothing is delivered after the call. */
  close(): Promise<void>
}

export interface BindOptions {
  /** IP literal of an interface, or `0.0.0.0` / `::` for all of them. */
  host: string
  /** 0 takes any free port. */
  port: number
  /**
   * Lets other sockets bind the same port; every one of them receives multicast, but only one receives each unicast datagram.
   * @default false
   */
  shareAddress?: boolean
  /** How multicast leaves this socket. Without it the machine chooses an interface. */
  multicast?: {
    /** The address of the interface that multicast is sent from; for IPv6 with its scope (`::%eth0`). */
    interfaceAddress: string
    /** Hops; 1 stays on the local network. @default 1 */
    ttl?: number
    /** Whether sockets on this machine receive it too; the loopback interface returns it in any case. @default true */
    loopback?: boolean
  }
  signal?: AbortSignal
}

export interface ConnectOptions {
  /** Whom to find there. Another proved key rejects with WRONG_PEER, before that peer has seen anything of ours. */
  expect?: PeerId
  /** For TCP connection and handshake together. @default 5000 */
  timeoutMs?: number
  /** Rejects with its reason and destroys the socket, at any moment before the promise settles. */
  signal?: AbortSignal
}

export interface ListenOptions {
  /** Connections that wait in the kernel to be accepted. @default 128 */
  backlog?: number
  signal?: AbortSignal
}

/** Called for each datagram; `bytes` belongs to the receiver. */
export type DatagramHandler = (bytes: Uint8Array, from: Address) => void
/** Called for each accepted stream, which the receiver then owns. */
export type StreamHandler = (stream: SecureStream) => void

export interface NetworkProtocol {
  /** For logs: `system`, `memory` … */
  readonly name: string
  /** The interfaces of the machine it runs on, as `os.networkInterfaces()` lists them. @default those of this machine */
  interfaces?(): ReturnType<typeof networkInterfaces>
  /** @throws TransportError CONNECTION_REFUSED, UNREACHABLE, CONNECT_TIMEOUT, HANDSHAKE_*, BAD_CERTIFICATE, WRONG_PEER, SELF_DIALLED */
  connect(address: Address, options?: ConnectOptions): Promise<SecureStream>
  /** @throws TransportError ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED */
  listen(address: Address, onStream: StreamHandler, options?: ListenOptions): Promise<StreamListener>
  /** @throws TransportError ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED */
  bind(options: BindOptions, onDatagram: DatagramHandler): Promise<DatagramSocket>
}
