import { BlockList } from 'node:net'
import { TestkitError } from './errors.js'
import { parseHost } from './simulated-address.js'

/** How a machine is connected to a segment. */
export interface SimulatedInterface {
  /** @default 'eth0' for the first address, 'eth1' for the second … */
  name?: string
  /** An IP literal without scope. IPv4 and IPv6 of one interface are two entries with one name. */
  address: string
  /** @default '255.255.255.0' or 'ffff:ffff:ffff:ffff::' */
  netmask?: string
  /** Machines of one segment hear each other's multicast and broadcasts; a router connects all segments. @default 'lan' */
  segment?: string
}

const DEFAULT_SEGMENT = 'lan'

/** One address of an interface of a machine. Its identity outlives a change of address: groups are joined on the interface. */
export class Interface {
  readonly name: string
  readonly family: 4 | 6
  readonly segment: string
  readonly netmask: string
  readonly prefix: number
  readonly internal: boolean
  readonly index: number
  /** Until when it is busy sending, and receiving, what it took so far. */
  sendingUntil = 0
  receivingUntil = 0
  #address: string | undefined
  /** Of an IPv6 address; for IPv4 numbers do, as every datagram asks. */
  #subnet = new BlockList()
  /** Of an IPv4 address: the first of its network. */
  #firstOfNetwork = 0
  #broadcast: string | undefined

  constructor(options: SimulatedInterface, index: number, internal: boolean) {
    const { name = `eth${index}`, address, segment = DEFAULT_SEGMENT } = options
    const family = familyOf(address, internal)
    const { netmask = family === 4 ? '255.255.255.0' : 'ffff:ffff:ffff:ffff::' } = options
    this.name = name
    this.family = family
    this.segment = segment
    this.netmask = netmask
    this.prefix = prefixOf(netmask, family)
    this.internal = internal
    this.index = index
    this.address = address
  }

  /** Undefined while it has none. */
  get address(): string | undefined {
    return this.#address
  }

  set address(address: string | undefined) {
    if (address !== undefined && familyOf(address, this.internal) !== this.family) {
      throw new TestkitError('BAD_ARGUMENT', `expected an IPv${this.family} address for ${this.name}, got ${address}`)
    }
    this.#address = address === undefined ? undefined : parseHost(address)?.host
    this.#subnet = new BlockList()
    this.#broadcast = undefined
    if (this.#address === undefined) return
    if (this.family === 6) this.#subnet.addSubnet(this.#address, this.prefix, 'ipv6')
    else this.#firstOfNetwork = this.#networkOf(this.#address)
    // A network of one or two addresses has none (RFC 3021).
    if (this.family === 4 && this.prefix < 31) this.#broadcast = broadcastOf(this.#address, this.prefix)
  }

  /** Whether an address of this family is on the same network. */
  reaches(host: string): boolean {
    if (this.#address === undefined) return false
    if (this.family === 6) return this.#subnet.check(host, 'ipv6')
    return this.#networkOf(host) === this.#firstOfNetwork
  }

  /** The first address of the network of such a prefix that an IPv4 address is in, as a number; NaN for what is none. */
  #networkOf(host: string): number {
    const value = numberOf(host)
    return value - (value % 2 ** (32 - this.prefix))
  }

  /** Whether a datagram to `host` is a broadcast that this interface hears: the limited one, or that of its subnet. */
  hearsBroadcast(host: string): boolean {
    if (this.family !== 4 || this.#address === undefined) return false
    return host === '255.255.255.255' || host === this.#broadcast
  }
}

function familyOf(address: string, internal: boolean): 4 | 6 {
  const parsed = typeof address === 'string' ? parseHost(address) : undefined
  const fits = parsed?.kind === (internal ? 'loopback' : 'unicast') && parsed.scope === ''
  if (parsed !== undefined && fits && parsed.host !== '255.255.255.255') return parsed.family
  throw new TestkitError(
    'ADDRESS_INVALID',
    `expected a unicast IP literal without scope as the address of a machine, got ${JSON.stringify(address)}`,
  )
}

function prefixOf(netmask: string, family: 4 | 6): number {
  const parsed = parseHost(netmask)
  const bits = parsed?.family === family ? bitsOf(netmask, family) : undefined
  if (bits !== undefined && /^1*0*$/.test(bits)) return bits.replaceAll('0', '').length
  throw new TestkitError('BAD_ARGUMENT', `expected a netmask for IPv${family}, got ${JSON.stringify(netmask)}`)
}

function bitsOf(address: string, family: 4 | 6): string {
  if (family === 4)
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
  const [before = '', after] = address.split('::')
  const words = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const [left, right] = [words(before), words(after ?? '')]
  const zeros = after === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  return [...left, ...zeros, ...right].map((word) => Number.parseInt(word, 16).toString(2).padStart(16, '0')).join('')
}

/** An IPv4 address as a number; NaN for anything else. */
function numberOf(host: string): number {
  const [a, b, c, d, more] = host.split('.')
  if (d === undefined || more !== undefined) return Number.NaN
  return ((Number(a) * 256 + Number(b)) * 256 + Number(c)) * 256 + Number(d)
}

function broadcastOf(address: string, prefix: number): string {
  const value = numberOf(address)
  const last = value + 2 ** (32 - prefix) - 1 - (value % 2 ** (32 - prefix))
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.')
}
