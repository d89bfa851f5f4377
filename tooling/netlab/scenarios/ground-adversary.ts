/**
 * What adversaries rest on: a capture misses nothing and says what was sent, and forged sources arrive as such and draw their answers.
 * Plain sockets on both ends.
 */
import { createHash } from 'node:crypto'
import type { Host } from '../host.js'
import type { Lan } from '../lan.js'
import type { Netlab } from '../netlab.js'
import { type Plain, PORT, prepare, share } from '../probes.js'
import type { handlers as flooderHandlers } from '../programs/flooder.js'
import type { handlers as plainHandlers } from '../programs/plain.js'
import type { Scenario } from '../scenario.js'

/** Sources that no host has, and where they are found. */
const PREFIX = '10.32.0.0/16'
const SOURCES = 500
const STREAM_BYTES = 500_000

export const groundAdversary: Scenario = {
  name: 'ground-adversary',
  summary: 'proves with plain sockets that captures are whole and that forged source addresses arrive',
  options: {
    datagrams: { help: 'datagrams to capture, and to forge', min: 1_000, max: 100_000, whole: true, default: 5_000 },
  },
  tools: ['nft', 'tcpdump'],
  built: true,
  limitS: 60,
  brief: { datagrams: 2_000 },
  run,
}

interface Site {
  readonly lab: Netlab
  readonly lan: Lan
  readonly hosts: readonly [a: Host, b: Host]
  readonly a: Plain
  readonly b: Plain
}

async function run(lab: Netlab): Promise<void> {
  const lan = lab.lan()
  const hosts = [lab.host('a', lan), lab.host('b', lan)] as const
  const [a, b] = await Promise.all([prepare(lab, hosts[0]), prepare(lab, hosts[1])])
  const site: Site = { lab, lan, hosts, a, b }
  await captures(site)
  await forges(site)
}

/** On the bridge and on an interface alike; a stream that loses segments on its way is put together again. */
async function captures({ lab, lan, hosts, a, b }: Site): Promise<void> {
  const count = lab.number('datagrams')
  const [bridge, device] = [await lan.capture(), await hosts[1].capture({ filter: 'udp' })]
  await share(a, b, hosts[1].address(), count)
  lan.loss(0.05)
  const hash = await a.call('pushKnown', { to: hosts[1].address(), port: PORT, bytes: STREAM_BYTES })
  lan.loss(0)
  const [all, datagrams] = [await bridge.stop(), await device.stop()]
  const of = ({ datagrams: list }: typeof all): number => list.filter(({ to }) => to.port === PORT).length
  lab.figure('captured_share', of(all) / count, { atLeast: 1, atMost: 1 })
  lab.check('captured_by_interface', of(datagrams) === count, `${of(datagrams)} of ${count}`)
  lab.check('captured_nothing_else', datagrams.streams.length === 0, `${datagrams.streams.length} streams`)
  const stream = all.streams.find(({ to, bytes }) => to.port === PORT && bytes.length > 0)
  const came = createHash('sha256')
    .update(stream?.bytes ?? '')
    .digest('hex')
  lab.check('captured_stream', came === hash && stream?.holes === 0, `${stream?.bytes.length} bytes`)
  lab.step(`a capture has all of ${count} datagrams and a stream of ${STREAM_BYTES} bytes through 5 % loss`)
}

async function forges({ lab, lan, hosts }: Site): Promise<void> {
  const [flooder, victim] = hosts
  const sources = Array.from({ length: SOURCES }, (_, index) => `10.32.${1 + (index >> 8)}.${index & 255}`)
  flooder.claim(PREFIX)
  victim.reach(PREFIX)
  flooder.forgeSources(PORT + 10, sources)
  const capture = await lan.capture({ filter: 'udp' })
  const echo = await lab.agent<typeof plainHandlers>(victim, 'plain')
  await echo.call('echo', { port: PORT + 11 })
  const agent = await lab.agent<typeof flooderHandlers>(flooder, 'flooder')
  await agent.call('aim', { to: victim.address(), port: PORT + 11, from: PORT + 10 })
  await agent.call('loadText', { text: 'who am I?' })
  // At a rate that both ends keep up with: here nothing may be lost.
  const { sent } = await agent.call('shoot', { count: lab.number('datagrams'), ms: 20_000, perSecond: 4_000 })
  const answers = await agent.call('rest')
  const { datagrams } = await capture.stop()
  const there = datagrams.filter(({ to }) => to.port === PORT + 11)
  const seen = new Set(there.map(({ from }) => from.host))
  lab.figure('forged_sources', seen.size, { atLeast: SOURCES * 0.95, atMost: SOURCES })
  lab.check(
    'forged_only',
    [...seen].every((host) => sources.includes(host)) && there.length === sent,
    `${there.length}`,
  )
  // A receiver takes no datagram with a wrong checksum, and an answer needs a host that claims its address.
  lab.figure('forged_answered_share', answers.packets / sent, { atLeast: 0.99, atMost: 1 })
  lab.step(`${sent} datagrams came from ${seen.size} addresses, and ${answers.packets} answers went back there`)
}
