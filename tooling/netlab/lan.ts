/**
 * One local network: a bridge in a namespace of its own, so that nothing of it touches the machine's real interfaces, with rules
 * for what it loses and tells nobody. Delay it cannot make (netem is not in every kernel): `rate` makes packets queue, no more.
 */
import { Capture, type CaptureOptions } from './capture.js'
import { NetlabError } from './errors.js'
import { CLEAR, COUNTERS, type Counter, ruleset, type Weather } from './filter.js'
import type { Host } from './host.js'
import { METER_TABLE, type Meter, meterRules, readMeter } from './meter-rules.js'
import { Namespace } from './namespace.js'

type Hosts = Host | readonly Host[]

/** Bytes that may leave at once: ten frames, so that a slow link is slow from the start. */
const RATE_BURST = '15kb'
/** How long a packet may queue before the link drops it; as bufferbloat goes, a good home router. */
const RATE_LATENCY = '50ms'

export class Lan {
  /** 0, 1, …: its interfaces are called `lan0`, `lan1`, … on every host. */
  readonly index: number
  readonly #namespace: Namespace
  readonly #plugged = new Set<Host>()
  readonly #rates = new Map<Host, number>()
  #weather: Weather = CLEAR

  constructor(index: number) {
    this.index = index
    this.#namespace = new Namespace(`switch${index}`)
    this.#namespace.setting('ipv6/conf/all/disable_ipv6', '1')
    // Without a querier snooping forgets who listens.
    this.#namespace.ip('link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0')
    this.#namespace.ip('link', 'set', 'br0', 'up')
  }

  /** The interface that leads here, on every host. */
  get interfaceName(): string {
    return `lan${this.index}`
  }

  /** Nothing from `a` reaches `b`; and nothing back, unless `oneWay`. Adds to the cuts that are there. */
  partition(a: Hosts, b: Hosts, { oneWay = false }: { oneWay?: boolean } = {}): void {
    const cuts = [...this.#weather.cuts]
    for (const one of listOf(a)) {
      for (const other of listOf(b)) {
        cuts.push([portOf(one), portOf(other)])
        if (!oneWay) cuts.push([portOf(other), portOf(one)])
      }
    }
    this.#become({ cuts })
  }

  /** Ends all partitions. Loss and blocks stay. */
  heal(): void {
    this.#become({ cuts: [] })
  }

  /** Loses this share of unicast packets, 0 to 1, each copy by itself; multicast and broadcast only as asked. */
  loss(share: number, { multicast = 0 }: { multicast?: number } = {}): void {
    for (const one of [share, multicast]) {
      if (!(one >= 0 && one <= 1)) throw new NetlabError('BAD_ARGUMENT', `expected a share from 0 to 1, got ${one}`)
    }
    this.#become({ loss: share, multicastLoss: multicast })
  }

  /** No IP multicast from one host to another, and no IPv4 broadcast if asked. */
  blockMulticast({ broadcast = false }: { broadcast?: boolean } = {}): void {
    this.#become({ multicastBlocked: true, broadcastBlocked: broadcast })
  }

  allowMulticast(): void {
    this.#become({ multicastBlocked: false, broadcastBlocked: false })
  }

  /** The host's link carries that much each way, in bits a second; 0 takes the limit away. Outlives a power cut of the host. */
  rate(host: Host, bitsPerSecond: number): void {
    if (!(bitsPerSecond === 0 || (bitsPerSecond >= 8_000 && bitsPerSecond <= 10e9))) {
      throw new NetlabError('BAD_ARGUMENT', `expected 8,000 to 10,000,000,000 bits a second or 0, got ${bitsPerSecond}`)
    }
    const had = this.#rates.has(host)
    if (bitsPerSecond === 0) this.#rates.delete(host)
    else this.#rates.set(host, bitsPerSecond)
    if (this.#plugged.has(host)) this.#limit(host, bitsPerSecond, had)
  }

  /** Packets dropped since the start, by cause. */
  dropped(): Record<Counter, number> {
    const { nftables } = JSON.parse(this.#namespace.nft(['-j', 'list', 'counters'])) as {
      nftables: { counter?: { name: string; packets: number } }[]
    }
    const counts = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<Counter, number>
    for (const { counter } of nftables) {
      if (counter !== undefined && counter.name in counts) counts[counter.name as Counter] = counter.packets
    }
    return counts
  }

  /** Everything that one host sends to another, also what the rules here then drop; each frame once. */
  capture(options: CaptureOptions = {}): Promise<Capture> {
    return Capture.start(this.#namespace, 'br0', options)
  }

  /** Counts from now on what `host` gets from `other` and what it answers; one at a time. Each call says how much until then. */
  meter(host: Host, other: Host): () => Meter {
    this.#namespace.nft(['-f', '-'], meterRules(portOf(host), portOf(other)))
    return () => readMeter(this.#namespace.nft(['-j', 'list', 'counters', 'table', 'bridge', METER_TABLE]))
  }

  /** For {@link Host}: makes the wire between its namespace and this bridge. */
  plug(host: Host, namespace: Namespace): void {
    const port = portOf(host)
    const far = ['peer', 'name', this.interfaceName, 'netns', namespace.name]
    this.#namespace.ip('link', 'add', port, 'type', 'veth', ...far)
    // Frames as long as on a wire: the kernel would otherwise carry 64 KiB in one, and lose them together.
    this.#namespace.ip('link', 'set', port, 'gso_max_segs', '1')
    namespace.ip('link', 'set', this.interfaceName, 'gso_max_segs', '1')
    this.#namespace.ip('link', 'set', port, 'master', 'br0', 'up')
    this.#plugged.add(host)
    const rate = this.#rates.get(host)
    if (rate !== undefined) this.#limit(host, rate, false)
  }

  /** For {@link Host}: takes the wire away with both its ends, at once. */
  unplug(host: Host): void {
    if (!this.#plugged.delete(host)) return
    this.#namespace.ip('link', 'del', portOf(host))
  }

  /** Idempotent. */
  close(): void {
    this.#namespace.delete()
  }

  #become(change: Partial<Weather>): void {
    this.#weather = { ...this.#weather, ...change }
    this.#namespace.nft(['-f', '-'], ruleset(this.#weather))
  }

  #limit(host: Host, bitsPerSecond: number, had: boolean): void {
    const ends: [Namespace, string][] = [
      [this.#namespace, portOf(host)],
      [host.namespace, this.interfaceName],
    ]
    for (const [namespace, device] of ends) {
      if (bitsPerSecond > 0) {
        const shape = ['tbf', 'rate', `${Math.round(bitsPerSecond)}bit`, 'burst', RATE_BURST, 'latency', RATE_LATENCY]
        namespace.tc('qdisc', 'replace', 'dev', device, 'root', ...shape)
      } else if (had) {
        namespace.tc('qdisc', 'del', 'dev', device, 'root')
      }
    }
  }
}

function portOf(host: Host): string {
  return `port${host.index}`
}

function listOf(hosts: Hosts): readonly Host[] {
  return 'name' in hosts ? [hosts] : hosts
}
