/**
 * What a UDP socket has to be told on each system, so that one set of options means the same everywhere. Pure: the platform and the
 * machine's interfaces are arguments.
 *
 * Where systems differ:
 *
 * - An interface is named by its address for IPv4; for IPv6 by a scope, which is a name on Unix and an index on Windows. A scope that
 *   does not exist is taken for "any" without a word, so it is looked up here.
 * - `loopback` is a matter of the sender on Unix, of the receiver on Windows.
 * - Linux and Windows give of a buffer what they allow, without a word; BSD and macOS refuse what they do not allow.
 */
import type { networkInterfaces } from 'node:os'
import { familyOf } from './address.js'
import { TransportError } from './errors.js'
import type { BindOptions } from './network-protocol.js'

/** As `os.networkInterfaces()` lists them. */
type Interfaces = ReturnType<typeof networkInterfaces>

export interface DatagramSocketOptions {
  readonly type: 'udp4' | 'udp6'
  readonly reuseAddr: boolean
  readonly ipv6Only: boolean
  readonly bindHost: string
  /** Not shared with other processes of a Node cluster. */
  readonly exclusive: boolean
  /** To be tried in this order until the system accepts one. */
  readonly receiveBufferSizes: readonly number[]
  readonly sendBufferSize: number | undefined
  readonly broadcast: boolean
  /** Undefined: the system's own choice. The same for the three of multicast. */
  readonly multicastInterface: string | undefined
  readonly multicastTtl: number | undefined
  readonly multicastLoopback: boolean | undefined
}

/**
 * Linux makes 512 KiB of it, some 600 small datagrams: a burst, or what a process handles in 25 ms. Its default is less than half of that. Where much more
 * waits, a flood delays every answer for longer than anybody waits for it.
 */
const RECEIVE_BUFFER = 262_144
/** No system refuses this much. */
const SMALLEST_RECEIVE_BUFFER = 65_536
/** Windows keeps 64 KiB, the burst of 54 datagrams; elsewhere the default is larger, or only limits a single datagram. */
const WINDOWS_SEND_BUFFER = 262_144
/** The loopback interface of every Windows; its addresses carry no scope that would tell. */
const WINDOWS_LOOPBACK_INDEX = '1'

/** @throws TransportError ADDRESS_NOT_AVAILABLE when the interface for multicast does not exist */
export function datagramSocketOptions(
  platform: string,
  options: Omit<BindOptions, 'signal' | 'onSendError'>,
  interfaces: Interfaces,
): DatagramSocketOptions {
  const { host, shareAddress = false, broadcast = false, multicast, receiveBufferBytes = RECEIVE_BUFFER } = options
  const isIPv6 = familyOf(host) === 6
  const receivesOwn = platform === 'win32' ? (multicast?.loopback ?? true) : undefined
  return {
    type: isIPv6 ? 'udp6' : 'udp4',
    reuseAddr: shareAddress,
    ipv6Only: isIPv6,
    bindHost: bindHost(platform, host, interfaces),
    exclusive: !shareAddress,
    receiveBufferSizes: bufferSizes(platform, receiveBufferBytes),
    sendBufferSize: platform === 'win32' ? WINDOWS_SEND_BUFFER : undefined,
    broadcast: broadcast && !isIPv6,
    multicastInterface: multicast && interfaceArgument(platform, host, multicast.interfaceAddress, interfaces),
    multicastTtl: multicast && (multicast.ttl ?? 1),
    multicastLoopback: multicast ? (multicast.loopback ?? true) : receivesOwn,
  }
}

/**
 * How a socket bound to `bound` names the interface of `interfaceAddress`, to join a group or to send to one: by the IPv4 address
 * itself, which the system checks; for IPv6 as `::%scope`.
 * @throws TransportError ADDRESS_NOT_AVAILABLE
 */
export function interfaceArgument(
  platform: string,
  bound: string,
  interfaceAddress: string,
  interfaces: Interfaces,
): string {
  if (familyOf(bound) === 4) return interfaceAddress
  // Whichever leads to the default route.
  if (interfaceAddress === '::') return interfaceAddress
  const [address = '', scope] = interfaceAddress.split('%')
  const name = scope === undefined ? nameByAddress(address, interfaces) : nameByScope(scope, interfaces)
  const found = name === undefined ? undefined : scopeOf(platform, name, interfaces)
  if (found !== undefined) return `::%${found}`
  throw new TransportError('ADDRESS_NOT_AVAILABLE', `No interface of this machine is ${interfaceAddress}.`)
}

function bindHost(platform: string, host: string, interfaces: Interfaces): string {
  const [address = '', scope] = host.split('%')
  if (scope === undefined) return host
  const name = nameByScope(scope, interfaces)
  const found = name === undefined ? undefined : scopeOf(platform, name, interfaces)
  if (found !== undefined) return `${address}%${found}`
  throw new TransportError('ADDRESS_NOT_AVAILABLE', `No interface of this machine is ${scope}.`, {
    address: { host, port: 0 },
  })
}

function nameByAddress(address: string, interfaces: Interfaces): string | undefined {
  return Object.keys(interfaces).find((name) => interfaces[name]?.some((one) => one.address === address))
}

/** By its name, or by the number that link-local addresses of it carry. */
function nameByScope(scope: string, interfaces: Interfaces): string | undefined {
  if (interfaces[scope] !== undefined) return scope
  return Object.keys(interfaces).find((name) => indexOf(name, interfaces) === scope)
}

function scopeOf(platform: string, name: string, interfaces: Interfaces): string | undefined {
  if (platform !== 'win32') return name
  const isLoopback = interfaces[name]?.some(({ internal }) => internal)
  return indexOf(name, interfaces) ?? (isLoopback ? WINDOWS_LOOPBACK_INDEX : undefined)
}

function indexOf(name: string, interfaces: Interfaces): string | undefined {
  for (const one of interfaces[name] ?? []) {
    if (one.family === 'IPv6' && one.scopeid > 0) return String(one.scopeid)
  }
  return undefined
}

function bufferSizes(platform: string, wanted: number): number[] {
  const sizes = [wanted]
  if (platform === 'linux' || platform === 'win32') return sizes
  for (let size = wanted / 2; size >= SMALLEST_RECEIVE_BUFFER; size /= 2) sizes.push(Math.floor(size))
  return sizes
}
