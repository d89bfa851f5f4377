import type { PeerId } from '@pc/identity'
import { type Address, formatAddress, requireAddress } from './address.js'
import { refuseLongDatagram, refuseWrongPeer } from './checks.js'
import { TransportError } from './errors.js'
import { memoryStreamPair } from './memory-stream.js'
import type {
  BindOptions,
  ConnectOptions,
  DatagramHandler,
  DatagramSocket,
  ListenOptions,
  NetworkProtocol,
  StreamHandler,
  StreamListener,
} from './network-protocol.js'

const FIRST_EPHEMERAL_PORT = 49_152 // RFC 6335 §6: the dynamic ports
const LAST_PORT = 65_535
/** Sockets and listeners together; beyond it binding rejects, so that a test that leaks them notices. */
const MAX_ENDPOINTS = 65_536

interface Listening {
  readonly id: PeerId
  readonly address: Address
  readonly onStream: StreamHandler
}

interface Bound {
  readonly socket: DatagramSocket
  readonly shared: boolean
  readonly groups: Set<string>
  readonly deliver: DatagramHandler
}

/**
 * A network inside this process: no loss, no delay, no clock. For tests, and for peers that live in one program.
 * Each call of {@link MemoryNetwork.protocol} puts a peer at an address; several peers may share one, as on a real machine.
 */
export class MemoryNetwork {
  readonly #listeners = new Map<string, Listening>()
  readonly #sockets = new Map<string, Set<Bound>>()
  #nextPort = FIRST_EPHEMERAL_PORT
  #endpoints = 0

  /** The network as the peer `id` at the IP address `host` sees it. */
  protocol(id: PeerId, host: string): NetworkProtocol {
    requireAddress({ host, port: 0 }, true)
    return {
      name: 'memory',
      connect: async (address, options = {}) => this.#connect(id, host, address, options),
      listen: async (address, onStream, options = {}) => this.#listen(id, host, address, onStream, options),
      bind: async (options, onDatagram) => this.#bind(host, options, onDatagram),
    }
  }

  #connect(id: PeerId, host: string, address: Address, options: ConnectOptions) {
    options.signal?.throwIfAborted()
    requireAddress(address)
    const listening = this.#listeners.get(formatAddress(address))
    if (listening === undefined) {
      throw new TransportError('CONNECTION_REFUSED', `Nobody listens at ${formatAddress(address)}.`, { address })
    }
    refuseWrongPeer(id, listening.id, address, options.expect)
    const localAddress = { host, port: this.#ephemeralPort() }
    const [ours, theirs] = memoryStreamPair()
    queueMicrotask(() => {
      if (this.#listeners.get(formatAddress(address)) !== listening) {
        theirs.destroy()
        return
      }
      listening.onStream({
        duplex: theirs,
        remoteId: id,
        remoteAddress: localAddress,
        localAddress: listening.address,
        dialled: false,
      })
    })
    return { duplex: ours, remoteId: listening.id, remoteAddress: address, localAddress, dialled: true }
  }

  #listen(id: PeerId, host: string, wanted: Address, onStream: StreamHandler, options: ListenOptions): StreamListener {
    options.signal?.throwIfAborted()
    const address = this.#claim(host, wanted, (key) => this.#listeners.has(key))
    const key = formatAddress(address)
    this.#listeners.set(key, { id, address, onStream })
    let open = true
    return {
      address,
      close: async () => {
        if (!open) return
        open = false
        this.#endpoints -= 1
        this.#listeners.delete(key)
      },
    }
  }

  #bind(host: string, options: BindOptions, onDatagram: DatagramHandler): DatagramSocket {
    options.signal?.throwIfAborted()
    const shared = options.shareAddress ?? false
    const address = this.#claim(host, options, (key) => {
      const there = [...(this.#sockets.get(key) ?? [])]
      return there.length > 0 && !(shared && there.every((bound) => bound.shared))
    })
    const key = formatAddress(address)
    const groups = new Set<string>()
    let open = true
    const requireOpen = (): void => {
      if (!open) throw new TransportError('SOCKET_CLOSED', `The socket at ${key} was closed.`, { address })
    }
    const requireInterface = (interfaceAddress: string): void => {
      if (interfaceAddress === host) return
      throw new TransportError(
        'ADDRESS_NOT_AVAILABLE',
        `No interface has the address ${interfaceAddress}; the only one is ${host}.`,
      )
    }
    const socket: DatagramSocket = {
      address,
      send: async (bytes, to) => {
        requireOpen()
        requireAddress(to)
        refuseLongDatagram(bytes, to)
        this.#carry(new Uint8Array(bytes), address, to, options.multicast?.loopback ?? true)
      },
      joinGroup: (group, interfaceAddress) => {
        requireOpen()
        requireInterface(interfaceAddress)
        groups.add(group)
      },
      leaveGroup: (group) => {
        requireOpen()
        groups.delete(group)
      },
      close: async () => {
        if (!open) return
        open = false
        this.#endpoints -= 1
        const there = this.#sockets.get(key)
        there?.delete(bound)
        if (there?.size === 0) this.#sockets.delete(key)
      },
    }
    const bound: Bound = {
      socket,
      shared,
      groups,
      deliver: (bytes, from) => {
        if (open) onDatagram(bytes, from)
      },
    }
    const there = this.#sockets.get(key) ?? new Set()
    this.#sockets.set(key, there.add(bound))
    return socket
  }

  /** Datagrams arrive after the sender's present turn, each receiver with a copy of its own; nobody there is no error. */
  #carry(bytes: Uint8Array, from: Address, to: Address, loopback: boolean): void {
    const receivers: Bound[] = []
    if (isMulticast(to.host)) {
      for (const there of this.#sockets.values()) {
        for (const bound of there) {
          const { host, port } = bound.socket.address
          const reached = port === to.port && bound.groups.has(to.host) && (loopback || host !== from.host)
          if (reached) receivers.push(bound)
        }
      }
    } else {
      // Of several sockets that share an address the one bound last receives unicast, as on Linux.
      const last = [...(this.#sockets.get(formatAddress(to)) ?? [])].at(-1)
      if (last !== undefined) receivers.push(last)
    }
    for (const receiver of receivers) queueMicrotask(() => receiver.deliver(new Uint8Array(bytes), from))
  }

  /** The wildcard addresses mean the host itself: here every host has one interface. */
  #claim(host: string, wanted: Address, taken: (key: string) => boolean): Address {
    requireAddress({ host: wanted.host, port: wanted.port }, true)
    if (wanted.host !== host && wanted.host !== '0.0.0.0' && wanted.host !== '::') {
      throw new TransportError('ADDRESS_NOT_AVAILABLE', `This host is ${host}, not ${wanted.host}.`, {
        address: wanted,
      })
    }
    if (this.#endpoints >= MAX_ENDPOINTS) {
      throw new TransportError('SYSTEM', `The memory network is full: it holds ${MAX_ENDPOINTS} sockets. Close some.`)
    }
    const address = { host, port: wanted.port === 0 ? this.#freePort(host, taken) : wanted.port }
    if (taken(formatAddress(address))) {
      throw new TransportError('ADDRESS_IN_USE', `Somebody else has ${formatAddress(address)}.`, { address })
    }
    this.#endpoints += 1
    return address
  }

  #freePort(host: string, taken: (key: string) => boolean): number {
    for (let tried = FIRST_EPHEMERAL_PORT; tried <= LAST_PORT; tried += 1) {
      const port = this.#ephemeralPort()
      if (!taken(formatAddress({ host, port }))) return port
    }
    throw new TransportError('ADDRESS_IN_USE', `Every port of ${host} is taken.`)
  }

  #ephemeralPort(): number {
    const port = this.#nextPort
    this.#nextPort = port === LAST_PORT ? FIRST_EPHEMERAL_PORT : port + 1
    return port
  }
}

function isMulticast(host: string): boolean {
  const first = Number.parseInt(host, 10)
  return host.includes(':') ? host.toLowerCase().startsWith('ff') : first >= 224 && first <= 239
}
