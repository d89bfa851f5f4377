/**
 * IPv6. Discovery announces by IPv4 only, so small programs on the built packages first show what it will stand on: TLS and datagrams of
 * @pc/transport, at unique local and at link-local addresses with their scope. Then two daemons, which found each other by IPv4, lose it.
 */
import { delay } from '../../daemon-process.js'
import { discoveryMs } from '../../scenes.js'
import type { Host } from '../host.js'
import type { Lan } from '../lan.js'
import type { Netlab } from '../netlab.js'
import type { handlers } from '../programs/built.js'
import type { Scenario } from '../scenario.js'
import { answered, OFFLINE_LIMIT_MS } from '../scenes.js'

const PORT = 4_100
/** The group of IPv6 discovery. */
const GROUP = 'ff12::7063'
const GROUP_PORT = 3_486
const ANNOUNCEMENTS = 20
const SETTLE_MS = 100
/** A connection with its handshake takes milliseconds; one that needed a second try is over this. */
const CONNECT_LIMIT_MS = 500

export const ipv6: Scenario = {
  name: 'ipv6',
  summary: 'TLS, UDP and multicast of the built @pc/transport over IPv6; two daemons that lose IPv4 go on over IPv6',
  options: {},
  tools: [],
  built: true,
  limitS: 60,
  brief: {},
  run,
}

async function run(lab: Netlab): Promise<void> {
  const lan = lab.lan()
  const [eastHost, westHost] = [lab.host('east', lan), lab.host('west', lan)]
  const [east, west] = await Promise.all([
    lab.agent<typeof handlers>(eastHost, 'built'),
    lab.agent<typeof handlers>(westHost, 'built'),
  ])
  const origin = await east.call('origin')
  lab.check('built', origin.includes('/dist/'), `it ran from ${origin}`)
  await west.call('listen', { host: '::', port: PORT })
  const id = await west.call('id')
  lab.step('two programs on the built packages; one listens at ::')

  for (const [kind, host] of [
    ['unique_local', westHost.uniqueLocal()],
    ['link_local', westHost.linkLocal()],
  ] as const) {
    const to = { host, port: PORT }
    const { text, remoteId, ms } = await east.call('echo', { to, text: 'over IPv6' })
    lab.check(`tls_${kind}`, text === 'over IPv6' && remoteId === id, `got ${JSON.stringify(text)} from ${remoteId}`)
    lab.figure(`tls_${kind}_ms`, ms, { atMost: CONNECT_LIMIT_MS })
    const code = await east.call('dialStranger', to)
    lab.check(`tls_${kind}_wrong_peer`, code === 'WRONG_PEER', `got ${code}`)
    lab.step(`TLS to ${host}: proved and echoed in ${ms.toFixed(1)} ms; another key is refused`)
  }
  const noScope = { host: westHost.linkLocal().replace(/%.*/, ''), port: PORT }
  const code = await east.call('dialNowhere', noScope)
  lab.check('link_local_needs_scope', code !== 'none', `a dial without scope to ${noScope.host} went through`)

  for (const [kind, here, there] of [
    ['unique_local', eastHost.uniqueLocal(), westHost.uniqueLocal()],
    ['link_local', eastHost.linkLocal(), westHost.linkLocal()],
  ] as const) {
    const socket = await east.call('bind', { at: { host: here, port: 0 } })
    await west.call('bind', { at: { host: there, port: PORT + 1 } })
    await east.call('send', { socket, to: { host: there, port: PORT + 1 }, text: kind })
    await delay(SETTLE_MS)
    const got = await west.call('heard')
    // An answer needs the scope too: without it the source of a link-local datagram is an address nowhere.
    lab.check(`udp_${kind}`, got.length === 1 && got[0]?.text === kind && got[0].from === here, JSON.stringify(got))
  }
  lab.step('datagrams between unique local and between link-local addresses, with sources that can be answered')

  const via = `::%${lan.interfaceName}`
  await west.call('bind', { at: { host: '::', port: GROUP_PORT }, via, group: GROUP, share: true })
  const announcer = await east.call('bind', { at: { host: eastHost.linkLocal(), port: 0 }, via })
  for (let number = 0; number < ANNOUNCEMENTS; number += 1) {
    await east.call('send', {
      socket: announcer,
      to: { host: GROUP, port: GROUP_PORT },
      text: `announcement ${number}`,
    })
  }
  await delay(SETTLE_MS)
  const got = await west.call('heard')
  const sources = new Set(got.map(({ from }) => from))
  lab.figure('multicast_share', got.length / ANNOUNCEMENTS, { atLeast: 1, atMost: 1 })
  lab.check('multicast_source', sources.size === 1 && sources.has(eastHost.linkLocal()), [...sources].join(', '))
  lab.step(`multicast to ${GROUP}: ${got.length} of ${ANNOUNCEMENTS} arrived, from ${[...sources].join(', ')}`)

  await loseIpv4(lab, lan, [eastHost, westHost])
}

async function loseIpv4(lab: Netlab, lan: Lan, hosts: readonly [Host, Host]): Promise<void> {
  const [east, west] = [lab.daemon(hosts[0]), lab.daemon(hosts[1])]
  await Promise.all([east.start(), west.start()])
  lab.figure('discovery_ms', await discoveryMs([east, west]))
  const before = performance.now()
  for (const host of hosts) host.namespace.ip('addr', 'del', `${host.address()}/24`, 'dev', lan.interfaceName)
  await Promise.all([answered(east, west.name), answered(west, east.name)])
  const ms = performance.now() - before
  lab.figure('daemons_without_ipv4_ms', ms, { atMost: OFFLINE_LIMIT_MS })
  lab.step(
    `two daemons that found each other by IPv4 lost it, and answered each other by IPv6 after ${ms.toFixed(0)} ms`,
  )
}
