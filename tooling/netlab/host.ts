/** One machine: a network namespace with an interface in each of its local networks. */
import { Capture, type CaptureOptions } from './capture.js'
import { NetlabError } from './errors.js'
import { forgeRules } from './forge-rules.js'
import type { Lan } from './lan.js'
import { Namespace } from './namespace.js'

/** TCP_ESTABLISHED in /proc/net/tcp. */
const ESTABLISHED = '01'
const NAME = /^[a-z][a-z0-9]{0,11}$/

export class Host {
  readonly name: string
  /** 1, 2, …: the last part of its addresses. */
  readonly index: number
  readonly lans: readonly Lan[]
  readonly #addresses = new Map<string, string>()
  #namespace: Namespace | undefined

  /** Switched on at once. */
  constructor(name: string, index: number, lans: readonly Lan[]) {
    if (!NAME.test(name)) throw new NetlabError('BAD_ARGUMENT', `expected a host name like "east", got "${name}"`)
    this.name = name
    this.index = index
    this.lans = lans
    for (const lan of lans) this.#addresses.set(lan.interfaceName, `10.31.${7 + lan.index}.${index}`)
    this.powerOn()
  }

  get running(): boolean {
    return this.#namespace !== undefined
  }

  /** @throws NetlabError NOT_RUNNING */
  get namespace(): Namespace {
    if (this.#namespace === undefined) throw new NetlabError('NOT_RUNNING', `${this.name} is switched off`)
    return this.#namespace
  }

  /** Put before a command line to run it on this host. */
  get prefix(): readonly string[] {
    return this.namespace.prefix
  }

  /** IPv4 address; without `lan` in its first one. */
  address(lan: Lan = this.#firstLan): string {
    return this.#addresses.get(lan.interfaceName) ?? ''
  }

  /** IPv6 unique local address (RFC 4193). */
  uniqueLocal(lan: Lan = this.#firstLan): string {
    return `fd31:7063:0:${lan.index + 1}::${this.index.toString(16)}`
  }

  /** IPv6 link-local address with the scope that leads there from every other host of that network. */
  linkLocal(lan: Lan = this.#firstLan): string {
    return `fe80::${lan.index + 1}:${this.index.toString(16)}%${lan.interfaceName}`
  }

  /** TCP connections that stand between this host and that one, over any network (IPv4). */
  connectionsWith(other: Host): number {
    const remotes = new Set(other.lans.map((lan) => kernelForm(other.address(lan))))
    const [, ...lines] = this.namespace.read('/proc/net/tcp').trim().split('\n')
    return lines.filter((line) => {
      const [, , remote = '', state] = line.trim().split(/\s+/)
      return state === ESTABLISHED && remotes.has(remote.split(':')[0] ?? '')
    }).length
  }

  /** What goes in and out by the interface in that network; without `lan` its first one. */
  capture({ lan = this.#firstLan, ...options }: CaptureOptions & { lan?: Lan } = {}): Promise<Capture> {
    return Capture.start(this.namespace, lan.interfaceName, options)
  }

  /** Further addresses in its first network, beside the one it has; until the power is cut. */
  alias(addresses: readonly string[]): void {
    for (const address of addresses) {
      this.namespace.ip('addr', 'add', `${address}/24`, 'dev', this.#firstLan.interfaceName)
    }
  }

  /**
   * From now on each datagram that leaves from this UDP port carries one of these source addresses, drawn anew for each; one that is
   * listed twice is drawn twice as often. Replaces what was forged before; until the power is cut.
   */
  forgeSources(port: number, addresses: readonly string[]): void {
    this.namespace.nft(['-f', '-'], forgeRules(port, addresses))
  }

  /** Answers for all addresses of that prefix as for its own (`10.32.0.0/16`), so that answers to forged sources have a way. */
  claim(prefix: string): void {
    this.namespace.ip('route', 'replace', 'local', prefix, 'dev', 'lo')
  }

  /** Finds that prefix in the network directly, as after a second address in it. */
  reach(prefix: string): void {
    this.namespace.ip('route', 'replace', prefix, 'dev', this.#firstLan.interfaceName)
  }

  /** As `ip link set … down`: addresses stay, routes go, connections learn nothing. */
  interfaceDown(name: string): void {
    this.namespace.ip('link', 'set', name, 'down')
  }

  interfaceUp(name: string): void {
    const lan = this.#lanOf(name)
    this.namespace.ip('link', 'set', name, 'up')
    // The kernel drops IPv6 addresses with the interface, and here nobody else gives new ones.
    this.#giveIpv6(lan)
  }

  /** Another IPv4 address in place of the one it had, as after a DHCP server forgot. */
  changeAddress(name: string, address: string): void {
    const lan = this.#lanOf(name)
    this.namespace.ip('addr', 'del', `${this.address(lan)}/24`, 'dev', name)
    this.#addresses.set(name, address)
    this.namespace.ip('addr', 'add', `${address}/24`, 'dev', name)
  }

  /**
   * The plug is pulled: first the wires go, then the processes, then the kernel's own state, so that no FIN and no RST of this life
   * ever reaches anybody, also not after the host is on again. Idempotent.
   */
  powerOff(): void {
    if (this.#namespace === undefined) return
    for (const lan of this.lans) lan.unplug(this)
    // What the killed processes leave half closed would keep the old namespace in the kernel for minutes.
    this.#namespace.setting('ipv4/tcp_orphan_retries', '1')
    this.#namespace.delete()
    this.#namespace = undefined
  }

  /** The same machine again, with its addresses and nothing else of its former life. Its programs are the caller's to start. */
  powerOn(): void {
    if (this.#namespace !== undefined) return
    const namespace = new Namespace(this.name)
    this.#namespace = namespace
    namespace.ip('link', 'set', 'lo', 'up')
    for (const lan of this.lans) {
      lan.plug(this, namespace)
      const name = lan.interfaceName
      const link = `02:50:43:00:${hex(lan.index)}:${hex(this.index)}`
      namespace.ip('link', 'set', name, 'address', link, 'addrgenmode', 'none')
      namespace.ip('addr', 'add', `${this.address(lan)}/24`, 'brd', '+', 'dev', name)
      namespace.ip('link', 'set', name, 'up')
      this.#giveIpv6(lan)
    }
  }

  /** Idempotent. */
  close(): void {
    this.#namespace?.delete()
    this.#namespace = undefined
  }

  get #firstLan(): Lan {
    const [lan] = this.lans
    if (lan === undefined) throw new NetlabError('BAD_ARGUMENT', `${this.name} is in no network`)
    return lan
  }

  #lanOf(name: string): Lan {
    const lan = this.lans.find((one) => one.interfaceName === name)
    if (lan !== undefined) return lan
    const names = this.lans.map((one) => one.interfaceName).join(', ')
    throw new NetlabError('BAD_ARGUMENT', `${this.name} has the interfaces ${names}, not ${name}`)
  }

  /** Without duplicate address detection, which takes a second in which nothing can be bound. */
  #giveIpv6(lan: Lan): void {
    const [linkLocal = ''] = this.linkLocal(lan).split('%')
    for (const address of [linkLocal, this.uniqueLocal(lan)]) {
      this.namespace.ip('addr', 'replace', `${address}/64`, 'dev', lan.interfaceName, 'nodad')
    }
  }
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** As /proc/net/tcp writes IPv4 addresses: the bytes in the machine's order, which is little-endian wherever Node runs in earnest. */
function kernelForm(address: string): string {
  return address
    .split('.')
    .reverse()
    .map((part) => hex(Number(part)))
    .join('')
    .toUpperCase()
}
