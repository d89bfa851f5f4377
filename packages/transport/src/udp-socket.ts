import { createSocket, type Socket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { type Address, formatAddress, requireAddress } from './address.js'
import { type DatagramMachine, UdpSocket } from './bound-udp-socket.js'
import { type DatagramSocketOptions, datagramSocketOptions } from './datagram-socket-options.js'
import { fromSystemError } from './errors.js'
import type { BindOptions, DatagramHandler, DatagramSocket } from './network-protocol.js'
import type { Logger } from './ports.js'

const THIS_MACHINE: DatagramMachine = { platform: process.platform, interfaces: networkInterfaces, createSocket }

/** Opens a UDP socket. No failure of it ever becomes an unhandled `'error'`. */
export async function bindUdp(
  options: BindOptions,
  onDatagram: DatagramHandler,
  logger: Logger,
  machine: DatagramMachine = THIS_MACHINE,
): Promise<DatagramSocket> {
  const { host, port, signal } = options
  signal?.throwIfAborted()
  requireAddress({ host, port }, true)
  const plan = datagramSocketOptions(machine.platform, options, machine.interfaces())
  const { type, reuseAddr, ipv6Only } = plan
  const socket = machine.createSocket({ type, reuseAddr, ipv6Only, lookup: takeLiteral })
  await bound(socket, plan, options)
  try {
    configure(socket, plan)
  } catch (error) {
    socket.close()
    throw fromSystemError(error, `set up the socket at ${formatAddress({ host, port })}`, { host, port })
  }
  const address = { host, port: socket.address().port }
  askForReceiveBuffer(socket, plan, address, logger)
  socket.on('error', (error) => logger.warn({ at: formatAddress(address), error }, 'datagram socket failed'))
  return new UdpSocket({ socket, address, options, onDatagram, logger, machine })
}

/** Stands where Node would resolve names: every host was checked to be an IP literal before. */
function takeLiteral(
  host: string,
  _options: unknown,
  found: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  found(null, host, host.includes(':') ? 6 : 4)
}

function bound(socket: Socket, plan: DatagramSocketOptions, { host, port, signal }: BindOptions): Promise<void> {
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
    socket.bind({ address: plan.bindHost, port, exclusive: plan.exclusive }, () => settle())
  })
}

function configure(socket: Socket, plan: DatagramSocketOptions): void {
  const { broadcast, sendBufferSize, multicastInterface, multicastTtl, multicastLoopback } = plan
  if (broadcast) socket.setBroadcast(true)
  if (sendBufferSize !== undefined) socket.setSendBufferSize(sendBufferSize)
  if (multicastInterface !== undefined) socket.setMulticastInterface(multicastInterface)
  if (multicastTtl !== undefined) socket.setMulticastTTL(multicastTtl)
  if (multicastLoopback !== undefined) socket.setMulticastLoopback(multicastLoopback)
}

function askForReceiveBuffer(socket: Socket, plan: DatagramSocketOptions, address: Address, logger: Logger): void {
  for (const size of plan.receiveBufferSizes) {
    try {
      socket.setRecvBufferSize(size)
      break
    } catch (error) {
      logger.trace({ size, error }, 'receive buffer refused')
    }
  }
  logger.debug({ at: formatAddress(address), receiveBufferBytes: socket.getRecvBufferSize() }, 'datagram socket bound')
}
