/**
 * The seam between this stack and a network. Streams are reliable and come with a proved key; datagrams are best effort
 * and prove nothing. `systemProtocol` (TLS 1.3 and UDP of this machine), `MemoryNetwork` (this process), the simulated
 * network of `@pc/testkit` and, with ids that are only stated, `plainTcpProtocol` implement it; one contract suite runs against all.
 *
 * Errors: a `TransportError`, or from an implementation elsewhere an `Error` with one of its codes and `retryable`.
 */
import type { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import type { PeerId } from '@pc/identity'
import type { Address } from './address.js'
import type { TransportError } from './errors.js'

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
  /**
   * 32 bytes that both ends have, and nobody between them nor any other stream: for TLS the exporter of RFC 9266. On networks with
   * a secret HELLO proves with it that the members at both ends speak over this very stream; without it none is accepted there.
   */
  readonly channelBinding?: Uint8Array | undefined
  /**
   * Whether the stream has done with what `write` was given once the callback of that write has run: it was copied to the system. Then its
   * memory is used for what is written next. @default false: it may have been handed on as it is
   */
  readonly copiesWrites?: boolean
}

/** A listening socket. */
export interface StreamListener {
  /** Where it listens; never port 0. */
  readonly address: Address
  /**
   * Closes the listening socket and opens it anew at the same address, for when its interface went away and came back. Streams that
   * were handed over and handshakes under way stay; what the kernel has not handed over yet is lost. Resolves when it listens again.
   * Calls at the same time are one. After a rejection nothing listens until a further call succeeds.
   * @throws TransportError ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, RESOURCE_BUSY (no descriptor is left), SOCKET_CLOSED (by `close`, before or
   * meanwhile), NOT_SUPPORTED (it was given its socket by `ListenOptions.fd`, and goes on listening there)
   */
  reset(): Promise<void>
  /** Stops accepting and cuts handshakes that are under way; streams that were handed over stay. Idempotent. */
  close(): Promise<void>
}

/** An open socket for datagrams. */
export interface DatagramSocket {
  /** Where it is bound; never port 0. */
  readonly address: Address
  /** Bytes that were taken and that the machine has no room for yet. */
  readonly sendQueueBytes: number
  /** Datagrams taken by `post` or `send` that failed afterwards; grows only. */
  readonly sendErrors: number
  /** What the machine gave of `BindOptions.receiveBufferBytes`, in its own count: Linux doubles it for its book-keeping. */
  readonly receiveBufferBytes: number
  /**
   * Takes the datagram and returns at once; `bytes` must not change any more. It leaves with what else is posted
   * until `process.nextTick`, at the latest when the socket is closed. False, and nothing was taken, when the send queue is
   * full (256 KiB, or 8,192 datagrams in one turn; back off for 10 ms) and when the socket is closed. Never throws: whatever else is
   * wrong with a datagram is counted, and told to `BindOptions.onSendError` once the present turn is over.
   */
  post(bytes: Uint8Array, to: Address): boolean
  /**
   * Resolves when the machine has taken the datagram, which says nothing about its arrival. `bytes` must not change before.
   * @throws TransportError DATAGRAM_TOO_LARGE (over 1,200 bytes), DATAGRAM_DROPPED, UNREACHABLE, BROADCAST_NOT_ALLOWED, SOCKET_CLOSED …
   */
  send(bytes: Uint8Array, to: Address): Promise<void>
  /**
   * Receives what is sent to `group` on the interface that has `interfaceAddress`; for IPv6 a scope alone names it too (`::%eth0`).
   * Joining twice is no error.
   * @throws TransportError ADDRESS_INVALID, ADDRESS_NOT_AVAILABLE when there is no such interface, GROUP_NOT_HEARD on a socket that is bound to one
   * address: most systems deliver no multicast there
   */
  joinGroup(group: string, interfaceAddress: string): void
  /** Undoes {@link DatagramSocket.joinGroup}; leaving a group that was not joined, or whose interface has gone, is no error. */
  leaveGroup(group: string, interfaceAddress: string): void
  /** Idempotent. After the call nothing is delivered or reported any more, and what waits to be sent is dropped. */
  close(): Promise<void>
}

export interface BindOptions {
  /** IP literal of an interface (a link-local one with its scope), or `0.0.0.0` / `::` for all of them, of that family alone. */
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
    /** The address of the interface that multicast is sent from; for IPv6 a scope alone will do (`::%eth0`). */
    interfaceAddress: string
    /** Hops; 1 stays on the local network. @default 1 */
    ttl?: number
    /**
     * Whether sockets on this machine receive it too; the loopback interface returns it in any case. On Windows it says instead
     * whether this socket receives what is sent on this machine. @default true
     */
    loopback?: boolean
  }
  /**
   * Lets the socket send to `255.255.255.255` and to the broadcast addresses of its interfaces. IPv4 only; they are received by
   * sockets bound to `0.0.0.0`, whatever they chose here. @default false
   */
  broadcast?: boolean
  /** What may wait in the kernel to be read. Asked for; the machine may give less. @default 262144 */
  receiveBufferBytes?: number
  /** Told of each datagram taken by `post` that failed afterwards. */
  onSendError?: (error: TransportError, to: Address) => void
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
  /**
   * Asked about each connection when it comes in, before anything is read, sent or proved: false cuts it without a word, and counts it.
   * It must answer at once, and not throw. `Acceptor.admit` limits how often an address may come. @default everybody
   */
  admit?: (from: Address) => boolean
  /**
   * The descriptor of a TCP socket that this process was given, bound or listening already, as by the socket activation of systemd
   * (3 for the first). Then the address that `listen` is called with says nothing, and `StreamListener.address` tells where the
   * socket is. From the call on the descriptor belongs to the listener, which closes it with itself; after a rejection it may be
   * closed, too. Only protocols over the sockets of this machine take one, others reject with NOT_SUPPORTED.
   */
  fd?: number
  signal?: AbortSignal
}

/** Called for each datagram, at the end of the turn of the event loop in which it was read; `bytes` is the handler's own. */
export type DatagramHandler = (bytes: Uint8Array, from: Address) => void
/** Called for each accepted stream, which the receiver then owns. */
export type StreamHandler = (stream: SecureStream) => void

export interface NetworkProtocol {
  /** For logs: `system`, `memory` … */
  readonly name: string
  /** The interfaces of the machine it runs on, as `os.networkInterfaces()` lists them. @default those of this machine */
  interfaces?(): ReturnType<typeof networkInterfaces>
  /** @throws TransportError CONNECTION_REFUSED, UNREACHABLE, CONNECT_TIMEOUT, HANDSHAKE_*, NOT_ADMITTED, BAD_CERTIFICATE, WRONG_PEER, SELF_DIALLED */
  connect(address: Address, options?: ConnectOptions): Promise<SecureStream>
  /** @throws TransportError ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED, RESOURCE_BUSY, INVALID_ARGUMENT (`fd` is no such socket), NOT_SUPPORTED */
  listen(address: Address, onStream: StreamHandler, options?: ListenOptions): Promise<StreamListener>
  /** @throws TransportError ADDRESS_IN_USE, ADDRESS_NOT_AVAILABLE, PERMISSION_DENIED */
  bind(options: BindOptions, onDatagram: DatagramHandler): Promise<DatagramSocket>
}
