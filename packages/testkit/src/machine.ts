import type { networkInterfaces } from 'node:os'
import type { BoundSocket } from './bound-socket.js'
import { TestkitError } from './errors.js'
import { Interface, type SimulatedInterface } from './interface.js'
import type { MachineTime } from './machine-time.js'
import { Ports } from './ports.js'
import { type ParsedHost, parseHost } from './simulated-address.js'
import type { ListeningSocket } from './stream-dial.js'

const LOOPBACK: readonly SimulatedInterface[] = [
  { name: 'lo', address: '127.0.0.1', netmask: '255.0.0.0' },
  { name: 'lo', address: '::1', netmask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' },
]

/** A machine of the simulated network: its interfaces, ports and clocks, and whether it has power. Its hosts are processes on it. */
export class Machine {
  /** Unlike that of every other machine of the network. */
  readonly index: number
  readonly time: MachineTime
  readonly interfaces: readonly Interface[]
  readonly sockets: Ports<BoundSocket> = new Ports()
  readonly listeners: Ports<ListeningSocket> = new Ports()
  /** Goes up with every power-off: what was sent before has nobody left to send it again. */
  boots = 0
  on = true
  readonly #routes = new Map<string, Interface | undefined>()
  readonly #macs = new Map<Interface, string>()

  constructor(index: number, wanted: readonly SimulatedInterface[], time: MachineTime) {
    if (wanted.length === 0) throw new TestkitError('BAD_ARGUMENT', 'a machine needs at least one interface')
    this.index = index
    this.time = time
    const names = wanted.map(({ name }, at) => name ?? `eth${at}`)
    const numbers = [...new Set(names)]
    const hasIpv6 = wanted.some(({ address }) => parseHost(address)?.family === 6)
    this.interfaces = [
      ...wanted.map(
        (one, at) => new Interface({ ...one, name: names[at] ?? '' }, numbers.indexOf(names[at] ?? '') + 2, false),
      ),
      ...LOOPBACK.slice(0, hasIpv6 ? 2 : 1).map((one) => new Interface({ ...one, segment: `lo of ${index}` }, 1, true)),
    ]
    for (const one of this.interfaces) this.#macs.set(one, this.#macOf(one))
  }

  /** Whether packets can reach it and be sent by it. */
  get awake(): boolean {
    return this.on && !this.time.asleep
  }

  /** The addresses of all interfaces but loopback. */
  get addresses(): string[] {
    return this.interfaces.flatMap((one) => (one.internal || one.address === undefined ? [] : [one.address]))
  }

  owns(host: ParsedHost): boolean {
    return this.interfaceAt(host) !== undefined
  }

  /** The interface that has an address; loopback has all of 127.0.0.0/8. */
  interfaceAt({ host, scope, family, kind }: ParsedHost): Interface | undefined {
    for (const one of this.interfaces) {
      if (one.address === host && (scope === '' || scope === one.name)) return one
      if (one.internal && family === 4 && one.family === 4 && kind === 'loopback') return one
    }
    return undefined
  }

  /** The interface that code names by its address or, for IPv6, by its scope; a wildcard alone means the first. */
  findNamed(text: string): Interface | undefined {
    const wanted = parseHost(text)
    if (wanted?.kind !== 'wildcard') return wanted && this.interfaceAt(wanted)
    const { family, scope } = wanted
    return this.interfaces.find((one) => one.family === family && (scope === '' || scope === one.name))
  }

  /** As `findNamed`, where it must exist. */
  interfaceNamed(text: string): Interface {
    const found = this.findNamed(text)
    if (found !== undefined) return found
    throw new TestkitError('ADDRESS_NOT_AVAILABLE', `no interface of this machine has the address ${text}`)
  }

  /** The interface that packets to `target` leave by: the one on its network, or the one to the router. */
  routeTo(target: ParsedHost): Interface | undefined {
    const key = target.scope === '' ? target.host : `${target.host}%${target.scope}`
    const known = this.#routes.get(key)
    if (known !== undefined || this.#routes.has(key)) return known
    const found = this.#findRoute(target)
    this.#routes.set(key, found)
    return found
  }

  /** To be called after an interface got another address. */
  forgetRoutes(): void {
    this.#routes.clear()
  }

  /** As `os.networkInterfaces()`. */
  list(): ReturnType<typeof networkInterfaces> {
    const all: ReturnType<typeof networkInterfaces> = {}
    for (const one of this.interfaces) {
      if (one.address === undefined) continue
      const mac = this.#macs.get(one) ?? ''
      const common = { address: one.address, netmask: one.netmask, internal: one.internal, mac }
      const cidr = `${one.address}/${one.prefix}`
      const entries = all[one.name] ?? []
      all[one.name] = entries
      if (one.family === 4) entries.push({ ...common, family: 'IPv4', cidr })
      else entries.push({ ...common, family: 'IPv6', cidr, scopeid: parseHost(one.address)?.linkLocal ? one.index : 0 })
    }
    return all
  }

  #findRoute(target: ParsedHost): Interface | undefined {
    const own = this.interfaceAt(target)
    if (own !== undefined) return own
    const outward = this.interfaces.filter(
      ({ family, internal, address, name }) =>
        family === target.family &&
        !internal &&
        address !== undefined &&
        (target.scope === '' || target.scope === name),
    )
    if (target.kind === 'loopback') return undefined
    if (target.kind !== 'unicast') return outward[0]
    const direct = outward.find((one) => one.reaches(target.host))
    if (direct !== undefined) return direct
    // Whoever has only a link-local address has none that is good beyond its segment.
    return target.linkLocal ? undefined : outward.find((one) => !parseHost(one.address ?? '')?.linkLocal)
  }

  /** Locally administered (IEEE 802: bit 1 of the first byte), different for every interface. */
  #macOf(one: Interface): string {
    if (one.internal) return '00:00:00:00:00:00'
    const parts = [this.index >> 16, this.index >> 8, this.index, one.index]
    return ['02', '00', ...parts.map((part) => (part & 0xff).toString(16).padStart(2, '0'))].join(':')
  }
}
