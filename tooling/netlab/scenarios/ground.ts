/**
 * The ground that all others stand on: plain sockets show that this network loses, cuts, blocks, limits and kills as it was told, and
 * does nothing of it when it was not. A result on a network that fails here says nothing.
 */
import { delay } from '../../daemon-process.js'
import type { Host } from '../host.js'
import type { Lan } from '../lan.js'
import type { Netlab } from '../netlab.js'
import {
  broadcastOf,
  dials,
  GROUP_PORT_6,
  open,
  type Plain,
  PORT,
  prepare,
  share,
  throughput,
  toGroup,
  toGroup6,
} from '../probes.js'
import type { Scenario } from '../scenario.js'

/** For a stream that loses packets to be seen losing and moving: several of TCP's doubling timeouts. */
const LOSSY_STREAM_MS = 20_000
/** Where packets get lost, TCP tries again after 1, 2, 4 … s. */
const LOSSY_DIAL_MS = 20_000
/** How long somebody who was told would take to know, with much room. */
const HEAR_MS = 1_500

export const ground: Scenario = {
  name: 'ground',
  summary:
    'proves with plain sockets that loss, partitions, blocks, rates, power cuts and IPv6 of this lab do what they say',
  options: {
    loss: { help: 'share of packets to lose', min: 0.01, max: 0.9, default: 0.1 },
    datagrams: {
      help: 'datagrams for each measurement of loss',
      min: 1_000,
      max: 200_000,
      whole: true,
      default: 10_000,
    },
    rate: { help: 'bits a second of the slow link', min: 100_000, max: 100_000_000, default: 4_000_000 },
  },
  tools: ['nft', 'tc'],
  built: false,
  limitS: 240,
  brief: {},
  run,
}

interface Site {
  readonly lab: Netlab
  readonly lan: Lan
  readonly hosts: readonly [a: Host, b: Host, c: Host]
  readonly a: Plain
  readonly b: Plain
  readonly c: Plain
}

async function run(lab: Netlab): Promise<void> {
  const lan = lab.lan()
  const hosts = [lab.host('a', lan), lab.host('b', lan), lab.host('c', lan)] as const
  const agents = await Promise.all(hosts.map((host) => prepare(lab, host)))
  const [a, b, c] = agents as [Plain, Plain, Plain]
  const site: Site = { lab, lan, hosts, a, b, c }
  lab.step(`three hosts with plain sockets: ${hosts.map((host) => `${host.name} ${host.address()}`).join(', ')}`)
  await clear(site)
  await losses(site)
  await partitions(site)
  await multicast(site)
  await rates(site)
  await ipv6(site)
  await interfaces(site)
  await pauses(site)
  await powerCuts(site)
}

async function clear({ lab, hosts, a, b, c }: Site): Promise<void> {
  const count = lab.number('datagrams')
  lab.figure('clear_share', await share(a, b, hosts[1].address(), count), { atLeast: 0.999 })
  lab.check(
    'clear_group',
    (await toGroup(a, hosts[0], [b, c])).every((got) => got === 100),
  )
  lab.check('clear_tcp', (await dials(a, hosts[1])) === 'open')
  lab.step('without orders everything arrives: datagrams, groups, connections')
}

async function losses({ lab, lan, hosts, a, b, c }: Site): Promise<void> {
  const [asked, count] = [lab.number('loss'), lab.number('datagrams')]
  // Five standard deviations of a binomial share: one wrong alarm in a million runs.
  const tolerance = 5 * Math.sqrt((asked * (1 - asked)) / count)
  lan.loss(asked)
  const lost = lab.figure('loss_share', 1 - (await share(a, b, hosts[1].address(), count)), {
    atLeast: asked - tolerance,
    atMost: asked + tolerance,
  })
  lab.check(
    'loss_spares_groups',
    (await toGroup(a, hosts[0], [b, c])).every((got) => got === 100),
  )
  const stream = await open(a, hosts[1], LOSSY_DIAL_MS)
  await a.call('push', { stream })
  const [before, counts] = [await b.call('traffic'), lan.dropped()]
  const deadline = performance.now() + LOSSY_STREAM_MS
  let [moved, missing] = [false, false]
  while (!(moved && missing) && performance.now() < deadline) {
    await delay(50)
    moved = (await b.call('traffic')).bytes > before.bytes
    missing = lan.dropped().lost > counts.lost
  }
  await a.call('stop', { stream })
  lab.check('loss_leaves_tcp_alive', moved && missing)
  lan.loss(0, { multicast: 0.5 })
  const groups = await toGroup(a, hosts[0], [b, c], 1_000)
  lab.check(
    'loss_of_groups',
    groups.every((got) => got > 350 && got < 650),
    `of 1000: ${groups.join(', ')}`,
  )
  lan.loss(0)
  lab.check('loss_ends', (await share(a, b, hosts[1].address(), 1_000)) === 1)
  // What is longer than a frame would be lost as one: then a loss of 10 % is not what a network does.
  lab.figure('oversized_frames', lan.dropped().oversized, { atMost: 0 })
  lab.step(`asked to lose ${asked}, it lost ${lost.toFixed(4)} of ${count}, to multicast only when asked`)
}

async function partitions({ lab, lan, hosts, a, b, c }: Site): Promise<void> {
  lan.partition(hosts[0], hosts[1])
  const cut = [await share(a, b, hosts[1].address(), 100), await share(b, a, hosts[0].address(), 100)]
  const beside = [await share(a, c, hosts[2].address(), 100), await share(c, b, hosts[1].address(), 100)]
  lab.check('partition_cuts', cut.every((one) => one === 0) && (await dials(a, hosts[1])) !== 'open', cut.join(', '))
  lab.check(
    'partition_spares_others',
    beside.every((one) => one === 1),
    beside.join(', '),
  )
  const groups = await toGroup(a, hosts[0], [b, c])
  lab.check('partition_cuts_groups', groups[0] === 0 && groups[1] === 100, groups.join(', '))
  lan.heal()
  lab.check('heals', (await share(a, b, hosts[1].address(), 100)) === 1 && (await dials(a, hosts[1])) === 'open')

  lan.partition(hosts[0], hosts[1], { oneWay: true })
  const ways = [await share(a, b, hosts[1].address(), 100), await share(b, a, hosts[0].address(), 100)]
  lab.check('one_way', ways[0] === 0 && ways[1] === 1, ways.join(', '))
  lan.heal()
  lab.step('a partition cuts these two and nobody else, one way too, and heals')
}

async function multicast({ lab, lan, hosts, a, b, c }: Site): Promise<void> {
  const broadcast = broadcastOf(hosts[0])
  lan.blockMulticast()
  lab.check(
    'multicast_blocked',
    (await toGroup(a, hosts[0], [b, c])).every((got) => got === 0),
  )
  lab.check(
    'multicast_blocked_ipv6',
    (await toGroup6(a, hosts[0], [b, c])).every((got) => got === 0),
  )
  const rest = [await share(a, b, hosts[1].address(), 100), await share(a, b, broadcast, 100)]
  // New neighbours: IPv6 asks for them by multicast, and that passes.
  lab.check('unicast_passes', rest.every((one) => one === 1) && (await dials(a, hosts[2], 'uniqueLocal')) === 'open')
  lan.blockMulticast({ broadcast: true })
  lab.check('broadcast_blocked', (await share(a, b, broadcast, 100)) === 0)
  lan.allowMulticast()
  const again = await toGroup(a, hosts[0], [b, c])
  lab.check('multicast_allowed', again.every((got) => got === 100) && (await share(a, b, broadcast, 100)) === 1)
  lab.step('multicast is blocked, and broadcast if asked; unicast and IPv6 neighbours are not')
}

async function rates({ lab, lan, hosts, a, b }: Site): Promise<void> {
  const asked = lab.number('rate')
  const free = await throughput(a, b, hosts[1], 500)
  lan.rate(hosts[1], asked)
  const down = await throughput(a, b, hosts[1], 1_500)
  const up = await throughput(b, a, hosts[0], 1_500)
  lan.rate(hosts[1], 0)
  const after = await throughput(a, b, hosts[1], 500)
  // Below: headers (5 %) and TCP's saw-tooth on a short queue. Above: the burst, and what is counted late.
  const bar = { atLeast: 0.6, atMost: 1.05 }
  lab.figure('rate_down_share', down / asked, bar)
  lab.figure('rate_up_share', up / asked, bar)
  lab.check('rate_ends', Math.min(free, after) > 5 * asked, `${free.toFixed(0)} and ${after.toFixed(0)} bit/s`)
  const mega = (bits: number): string => (bits / 1e6).toFixed(1)
  lab.step(`asked for ${mega(asked)} Mbit/s: ${mega(down)} down, ${mega(up)} up; without it ${mega(free)}`)
}

async function ipv6({ lab, hosts, a, b, c }: Site): Promise<void> {
  lab.check('ipv6_tcp', (await dials(a, hosts[1], 'uniqueLocal')) === 'open')
  lab.check('ipv6_tcp_link_local', (await dials(a, hosts[1], 'linkLocal')) === 'open')
  lab.check('ipv6_udp', (await share(a, b, hosts[1].uniqueLocal(), 100, GROUP_PORT_6)) === 1)
  lab.check('ipv6_udp_link_local', (await share(a, b, hosts[1].linkLocal(), 100, GROUP_PORT_6)) === 1)
  lab.check(
    'ipv6_group',
    (await toGroup6(a, hosts[0], [b, c])).every((got) => got === 100),
  )
  lab.step('IPv6 carries TCP, UDP and multicast, over unique local and link-local addresses')
}

async function interfaces({ lab, hosts, a, b }: Site): Promise<void> {
  const [, host] = hosts
  const stream = await open(a, host)
  host.interfaceDown('lan0')
  lab.check('down_cuts', (await share(a, b, host.address(), 100)) === 0)
  lab.check('down_tells_nobody', (await a.call('streamState', { stream })) === 'open')
  host.interfaceUp('lan0')
  lab.check('up_again', (await dials(a, host)) === 'open' && (await dials(a, host, 'linkLocal')) === 'open')
  const [before, after] = [host.address(), '10.31.7.77']
  host.changeAddress('lan0', after)
  lab.check('address_changes', (await share(a, b, before, 100)) === 0 && (await share(a, b, after, 100)) === 1)
  host.changeAddress('lan0', before)
  await a.call('stop', { stream })
  lab.step('an interface goes down and comes up, an address changes')
}

async function pauses({ lab, hosts, a, b }: Site): Promise<void> {
  b.pause()
  const asked = b.call('taken', { port: PORT })
  const first = await Promise.race([asked, delay(300).then(() => 'nothing' as const)])
  const kernel = await dials(a, hosts[1])
  b.resume()
  const later = await asked
  lab.check('pause_stops', first === 'nothing' && kernel === 'open' && typeof later === 'number')
  lab.step('a stopped process does nothing while its kernel goes on, and then goes on itself')
}

/** A kill is told by the kernel at once; a power cut by nobody, also not when the power is back. */
async function powerCuts({ lab, hosts, a, b, c }: Site): Promise<void> {
  const [, off, killed] = hosts
  const [toOff, toKilled] = [await open(a, off), await open(a, killed)]
  await c.kill()
  off.powerOff()
  await b.kill()
  await delay(HEAR_MS)
  lab.check('kill_is_told', (await a.call('streamState', { stream: toKilled })) !== 'open')
  lab.check('power_off_is_not', (await a.call('streamState', { stream: toOff })) === 'open')
  lab.check('power_off_cuts', (await dials(a, off)) === 'timeout')
  off.powerOn()
  await delay(HEAR_MS)
  lab.check('former_life_is_silent', (await a.call('streamState', { stream: toOff })) === 'open')
  await prepare(lab, off)
  lab.check('power_on', (await dials(a, off)) === 'open')
  await a.call('stop', { stream: toOff })
  lab.step('a killed process is told of by its kernel; a host without power by nobody, and it comes back')
}
