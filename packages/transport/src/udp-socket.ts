import { createSocket, type Socket } from 'node:dgram'
import { type Address, formatAddress, requireAddress } from './address.js'
import { refuseLongDatagram } from './checks.js'
import { fromSystemError, TransportError } from './errors.js'
import { lookupLiteral } from './lookup-literal.js'
import type { BindOptions, DatagramHandler, DatagramSocket } from './network-protocol.js'
import type { Logger } from './ports.js'

/** Asked of the kernel, which may give less: bursts of a few hundred datagrams overflow the usual 200 KB. */
const RECEIVE_BUFFER = 4_194_304
/** Bytes waiting in Node to be sent; beyond it datagrams are dropped, as they would be a little later anyway. */
const MAX_SEND_QUEUE = 262_144

/** Opens a UDP socket. No failure of it ever becomes an unhandled `'error'`. */
export async function bindUdp(
  options: BindOptions,
  onDatagram: DatagramHandler,
  logger: Logger,
): Promise<DatagramSocket> {
  const { host, port, shareAddress = false, signal } = options
  signal?.throwIfAborted()
  requireAddress({ host, port }, true)
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    reuseAddr: shareAddress,
    ipv6Only: host.includes(':'),
    lookup: lookupLiteral,
  })
  await bound(socket, options)
  try {
    setMulticast(socket, options)
  } catch (error) {
    socket.close()
    throw fromSystemError(error, `send multicast from ${options.multicast?.interfaceAddress}`, { host, port })
  }
  const address = { host, port: socket.address().port }
  askForReceiveBuffer(socket, address, logger)
  socket.on('error', (error) => logger.warn({ at: formatAddress(address), error }, 'datagram socket failed'))
  socket.on('message', (bytes, from) => {
    try {
      onDatagram(bytes, { host: from.address, port: from.port })
    } catch (error) {
      logger.error({ from: from.address, error }, 'the datagram handler threw')
    }
  })
  return new UdpSocket(socket, address)
}

class UdpSocket implements DatagramSocket {
  readonly address: Address
  readonly #socket: Socket
  #closing: Promise<void> | undefined

  constructor(socket: Socket, address: Address) {
    this.#socket = socket
    this.address = address
  }

  async send(bytes: Uint8Array, to: Address): Promise<void> {
    this.#requireOpen()
    requireAddress(to)
    refuseLongDatagram(bytes, to)
    if (this.#socket.getSendQueueSize() > MAX_SEND_QUEUE) {
      throw new TransportError('DATAGRAM_DROPPED', `Over ${MAX_SEND_QUEUE} bytes wait to be sent.`, { address: to })
    }
    await new Promise<void>((resolve, reject) => {
      const doing = `send a datagram to ${formatAddress(to)}`
      try {
        this.#socket.send(bytes, to.port, to.host, (error) => {
          if (error === null) resolve()
          else reject(fromSystemError(error, doing, to))
        })
      } catch (error) {
        reject(fromSystemError(error, doing, to))
      }
    })
  }

  joinGroup(group: string, interfaceAddress: string): void {
    this.#requireOpen()
    this.#changeGroup('addMembership', group, interfaceAddress, 'EADDRINUSE')
  }

  leaveGroup(group: string, interfaceAddress: string): void {
    this.#requireOpen()
    this.#changeGroup('dropMembership', group, interfaceAddress, 'EADDRNOTAVAIL')
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#socket.removeAllListeners('message')
      this.#socket.close(resolve)
    })
    return this.#closing
  }

  /** `harmless` is what the system answers when there was nothing to change. */
  #changeGroup(
    change: 'addMembership' | 'dropMembership',
    group: string,
    interfaceAddress: string,
    harmless: string,
  ): void {
    try {
      this.#socket[change](group, interfaceAddress)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === harmless) return
      const doing = `${change === 'addMembership' ? 'join' : 'leave'} ${group} on ${interfaceAddress}`
      throw fromSystemError(error, doing, { host: interfaceAddress, port: this.address.port })
    }
  }

  #requireOpen(): void {
    if (this.#closing === undefined) return
    throw new TransportError('SOCKET_CLOSED', `The socket at ${formatAddress(this.address)} was closed.`, {
      address: this.address,
    })
  }
}

function bound(socket: Socket, { host, port, shareAddress = false, signal }: BindOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let settled = false
    const settle = (error?: unknown): void => {
      if (settled) return
      settled = true
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      if (error === undefined) {
        resolve()
      } else {
        // Whatever still comes from it belongs to nobody.
        socket.on('error', () => {})
        socket.close()
        reject(error)
      }
    }
    const onAbort = (): void => settle(signal?.reason)
    const onError = (error: Error): void =>
      settle(fromSystemError(error, `bind ${formatAddress({ host, port })}`, { host, port }))
    signal?.addEventListener('abort', onAbort)
    socket.on('error', onError)
    socket.bind({ address: host, port, exclusive: !shareAddress }, () => settle())
  })
}

function setMulticast(socket: Socket, { multicast }: BindOptions): void {
  if (multicast === undefined) return
  socket.setMulticastInterface(multicast.interfaceAddress)
  socket.setMulticastTTL(multicast.ttl ?? 1)
  socket.setMulticastLoopback(multicast.loopback ?? true)
}

/** Linux gives what it allows without a word; other systems refuse what they do not allow, so it is halved until they agree. */
function askForReceiveBuffer(socket: Socket, address: Address, logger: Logger): void {
  for (let size = RECEIVE_BUFFER; size > 65_536; size /= 2) {
    try {
      socket.setRecvBufferSize(size)
      break
    } catch (error) {
      logger.trace({ size, error }, 'receive buffer refused')
    }
  }
  logger.debug({ at: formatAddress(address), bytes: socket.getRecvBufferSize() }, 'datagram socket bound')
}
