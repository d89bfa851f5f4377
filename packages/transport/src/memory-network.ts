import type { PeerId } from '@pc/identity'
import { type Address, familyOf, formatAddress, isMulticast, isWildcard, requireAddress } from './address.js'
import { listenerClosed, notLetIn, refuseWrongPeer } from './checks.js'
import { TransportError } from './errors.js'
import { MemorySocket, requireInterface } from './memory-socket.js'
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
import { type Random, systemRandom } from './ports.js'

const FIRST_EPHEMERAL_PORT = 49_152 // RFC 6335 §6: the dynamic ports
const LAST_PORT = 65_535
const CHANNEL_BINDING_BYTES = 32
/** Sockets and listeners together; beyond it binding rejects, so that a test that leaks them notices. */
const MAX_ENDPOINTS = 65_536

interface Listening {
  readonly id: PeerId
  readonly address: Address
  readonly onStream: StreamHandler
  readonly admit: ListenOptions['admit']
}

/**
 * A network inside this process: no loss, no delay, no clock. For tests, and for peers that live in one program.
 * Each call of {@link MemoryNetwork.protocol} puts a peer at an address; several peers may share one, as on a real machine.
 */
export class MemoryNetwork {
  readonly #listeners = new Map<string, Listening>()
  readonly #sockets = new Map<string, Set<MemorySocket>>()
  readonly #random: Pick<Random, 'bytes'>
  #nextPort = FIRST_EPHEMERAL_PORT
  #endpoints = 0

  /** Only the channel bindings of streams are drawn from `random`. */
  constructor(options: { random?: Pick<Random, 'bytes'> } = {}) {
    this.#random = options.random ?? systemRandom
  }

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
    const localAddress = { host, port: this.#ephemeralPort() }
    if (listening.admit?.({ ...localAddress }) === false) throw notLetIn(address)
    refuseWrongPeer(id, listening.id, address, options.expect)
    const [ours, theirs] = memoryStreamPair()
    const channelBinding = this.#random.bytes(CHANNEL_BINDING_BYTES)
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
        channelBinding,
      })
    })
    return {
      duplex: ours,
      remoteId: listening.id,
      remoteAddress: address,
      localAddress,
      dialled: true,
      channelBinding,
    }
  }

  #listen(id: PeerId, host: string, wanted: Address, onStream: StreamHandler, options: ListenOptions): StreamListener {
    options.signal?.throwIfAborted()
    if (options.fd !== undefined) {
      throw new TransportError('NOT_SUPPORTED', `A network in memory has no descriptors, but got fd ${options.fd}.`)
    }
    const address = this.#claim(host, wanted, (key) => this.#listeners.has(key))
    const key = formatAddress(address)
    this.#listeners.set(key, { id, address, onStream, admit: options.admit })
    let open = true
    return {
      address,
      reset: async () => {
        // Nothing gets stuck here that could be opened anew.
        if (!open) throw listenerClosed(address)
      },
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
    if (options.multicast !== undefined) requireInterface(options.multicast.interfaceAddress, host)
    const shared = options.shareAddress ?? false
    const address = this.#claim(host, options, (key) => {
      const there = [...(this.#sockets.get(key) ?? [])]
      return there.length > 0 && !(shared && there.every((socket) => socket.shared))
    })
    const key = formatAddress(address)
    const socket = new MemorySocket({
      address,
      options,
      onDatagram,
      carry: (bytes, to) => this.#carry(bytes, address, to, options.multicast?.loopback ?? true),
      onClose: () => {
        this.#endpoints -= 1
        const there = this.#sockets.get(key)
        there?.delete(socket)
        if (there?.size === 0) this.#sockets.delete(key)
      },
    })
    const there = this.#sockets.get(key) ?? new Set()
    this.#sockets.set(key, there.add(socket))
    return socket
  }

  /** Datagrams arrive after the sender's present turn, each receiver with a copy of its own; nobody there is no error. */
  #carry(bytes: Uint8Array, from: Address, to: Address, loopback: boolean): void {
    for (const receiver of this.#receivers(from, to, loopback)) {
      queueMicrotask(() => receiver.deliver(new Uint8Array(bytes), from))
    }
  }

  #receivers(from: Address, to: Address, loopback: boolean): MemorySocket[] {
    if (isMulticast(to.host)) {
      return this.#at(to.port).filter((one) => one.isIn(to.host) && (loopback || one.address.host !== from.host))
    }
    if (to.host === '255.255.255.255') return this.#at(to.port).filter((one) => one.hearsBroadcasts)
    // Of several sockets that share an address the one bound last receives unicast, as on Linux.
    return [...(this.#sockets.get(formatAddress(to)) ?? [])].slice(-1)
  }

  #at(port: number): MemorySocket[] {
    return [...this.#sockets.values()].flatMap((there) => [...there].filter(({ address }) => address.port === port))
  }

  /** The wildcard addresses mean the host itself: here every host has one interface. */
  #claim(host: string, wanted: Address, taken: (key: string) => boolean): Address {
    requireAddress({ host: wanted.host, port: wanted.port }, true)
    const isWhole = isWildcard(wanted.host) && familyOf(wanted.host) === familyOf(host)
    if (wanted.host !== host && !isWhole) {
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
