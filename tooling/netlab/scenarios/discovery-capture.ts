/**
 * What a machine of the same local network learns of a network whose secret it does not know, when it does all it can: everything on the
 * wire and everything it draws is searched for keys, ids and names. The same on an open network shows that the search would find them.
 */
import { randomBytes } from 'node:crypto'
import { PeerId } from '@pc/identity'
import { type DaemonProcess, delay } from '../../daemon-process.js'
import { Ledger } from '../../ledger.js'
import { comeBack, discoveryMs } from '../../scenes.js'
import type { Agent } from '../agent.js'
import type { Capture } from '../capture.js'
import { indexIn } from '../forged-datagrams.js'
import type { Host } from '../host.js'
import { type Needle, needlesOf, type Place, type Search, search } from '../identifying-bytes.js'
import type { Netlab } from '../netlab.js'
import type { Captured } from '../pcap.js'
import type { handlers, Way } from '../programs/outsider.js'
import type { Scenario } from '../scenario.js'
import { CROWD_DISCOVERY_LIMIT_MS, everybodyTalks, settle } from '../scenes.js'

const PEER_PORT = 3485
/** An acceptor's challenge: all that an outsider's connection may draw. */
const CHALLENGE_BYTES = 32
/** Addresses of the outsider, each of which may send as much as members take of one. */
const ALIASES = 16
/** How long the outsider keeps a connection to which nothing comes. */
const DIAL_MS = 1_200
const FRESH_WAYS: readonly Way[] = ['silence', 'noise', 'tls', 'tls-behind-challenge', 'mirror', 'half']
const REPLAY_WAYS: readonly Way[] = ['replay', 'replay-late']
/** Of what was captured, the newest: older ones are refused for their age alone. */
const REPLAYED_DATAGRAMS = 200
const REPLAYED_STREAMS = 6
const REPLAYED_BYTES = 16_384
const FORGED_INDEXES = 4
/** A hint is followed within 1.25 s. */
const GHOST_LIMIT_MS = 6_000
/** Findings said in words. */
const SHOWN = 10

export const discoveryCapture: Scenario = {
  name: 'discovery-capture',
  summary: 'an outsider of a network with a secret learns no id, key or name, whatever it sends, hears and draws',
  options: { texts: { help: 'texts in each direction', min: 1, max: 10_000, whole: true, default: 200 } },
  tools: ['tcpdump'],
  built: true,
  limitS: 180,
  brief: { texts: 20 },
  run,
}

interface Played {
  readonly packets: number
  /** Whether no stream of the capture has a hole. */
  readonly whole: boolean
  readonly discoveryMs: number
  readonly found: Search
  readonly drawnBytes: number
  /** How often members dialled the outsider. */
  readonly dials: number
  /** Most bytes that one connection made by the outsider drew. */
  readonly drawnByDial: number
}

interface Stage {
  readonly lab: Netlab
  readonly members: readonly Host[]
  readonly outsider: Agent<typeof handlers>
  readonly capture: Capture
}

async function run(lab: Netlab): Promise<void> {
  const ledger = new Ledger()
  const secret = { PC_NETWORK_SECRET: randomBytes(24).toString('hex') }
  // Each in a local network of its own.
  const [closed, open] = await Promise.all([play(lab, ledger, '', secret), play(lab, ledger, 'open', {})])
  for (const { label, where, length } of closed.found.findings.slice(0, SHOWN)) {
    lab.say(`  found ${length} bytes of ${label} in ${where}`)
  }
  lab.figure('identifying_bytes', closed.found.bytes, { atMost: 0 })
  lab.figure('control_identifying_bytes', open.found.bytes, { atLeast: 1 })
  lab.figure('packets', closed.packets, { atLeast: 1 })
  lab.figure('drawn_bytes', closed.drawnBytes, { atLeast: 1 })
  lab.figure('control_drawn_bytes', open.drawnBytes)
  lab.figure('drawn_by_dial', closed.drawnByDial, { atMost: CHALLENGE_BYTES })
  // Otherwise nothing was seen of what a member says that dials an outsider.
  lab.figure('dials_drawn', closed.dials, { atLeast: 1 })
  lab.figure('discovery_ms', Math.max(closed.discoveryMs, open.discoveryMs), { atMost: CROWD_DISCOVERY_LIMIT_MS })
  lab.check('captures_whole', closed.whole && open.whole)
  settle(lab, ledger)
}

/** Two members and an outsider in a network of their own. */
async function play(lab: Netlab, ledger: Ledger, suffix: string, env: Record<string, string>): Promise<Played> {
  const lan = lab.lan()
  const members = [lab.host(`east${suffix}`, lan), lab.host(`west${suffix}`, lan)]
  const outside = lab.host(`outside${suffix}`, lan)
  const aliases = Array.from({ length: ALIASES }, (_, at) => outside.address().replace(/\d+$/, String(100 + at)))
  outside.alias(aliases)
  const capture = await lan.capture()
  const outsider = await lab.agent<typeof handlers>(outside, 'outsider')
  const addresses = members.map((host) => host.address())
  await outsider.call('settle', {
    addresses: [outside.address(), ...aliases],
    network: lab.network,
    members: addresses,
  })
  const stage: Stage = { lab, members, outsider, capture }
  await dialAll(stage, ['tls'])

  const daemons = members.map((host) => lab.daemon(host, { name: nameOf(host), env }))
  const [east, west] = daemons as [DaemonProcess, DaemonProcess]
  await Promise.all([...daemons.map((daemon) => daemon.start()), outsider.call('forge', { indexes: [] })])
  const met = await discoveryMs(daemons)
  const texts = lab.number('texts')
  await Promise.all([converse(ledger, east, west, texts), attack(stage)])
  await west.kill()
  await Promise.all([comeBack(west, [east]), outsider.call('forge', { indexes: indexesOf(stage) })])
  await Promise.all([converse(ledger, east, west, Math.ceil(texts / 4)), attack(stage), replay(stage)])
  const needles = await needlesOfAll(daemons)
  const dials = await ghost(stage, east, west)

  await Promise.all(daemons.map((daemon) => daemon.stop()))
  const drawn = (await outsider.call('drawn')).map(({ where, base64 }) => ({
    where: `what the outsider drew: ${where}`,
    bytes: Buffer.from(base64, 'base64'),
  }))
  await outsider.kill()
  const captured = await capture.stop()
  const drawnBytes = sum(drawn.map(({ bytes }) => bytes.length))
  const kind = suffix === '' ? 'with a secret' : 'open'
  lab.step(
    `a network ${kind}: ${captured.packets} packets; the outsider drew ${drawnBytes} bytes and was dialled ${dials} times`,
  )
  return {
    packets: captured.packets,
    whole: captured.streams.every(({ holes }) => holes === 0),
    discoveryMs: met,
    found: search(needles, [...placesOf(captured), ...drawn]),
    drawnBytes,
    dials,
    drawnByDial: Math.max(0, ...answersTo([outside.address(), ...aliases], captured)),
  }
}

async function needlesOfAll(daemons: readonly DaemonProcess[]): Promise<Needle[]> {
  const statuses = await Promise.all(daemons.map((daemon) => daemon.status()))
  return daemons.flatMap(({ name }, at) => {
    const id = PeerId.parse(statuses[at]?.id ?? '')
    return needlesOf(name, { id: id.bytes, texts: { 'text of the id': id.toString(), 'short id': id.short, name } })
  })
}

/** Whoever starts while another is away takes its repeated announcements for new, and dials where they come from. */
async function ghost({ outsider }: Stage, starting: DaemonProcess, away: DaemonProcess): Promise<number> {
  await away.stop()
  await starting.kill()
  const before = await outsider.call('dialled')
  await starting.start()
  const deadline = performance.now() + GHOST_LIMIT_MS
  for (;;) {
    const dials = await outsider.call('dialled')
    if (dials > before || performance.now() > deadline) return dials
    await delay(50)
  }
}

async function converse(ledger: Ledger, east: DaemonProcess, west: DaemonProcess, texts: number): Promise<void> {
  await everybodyTalks(ledger, [east, west], texts)
  await east.call('request', { peer: west.name, name: 'echo', payload: 'east' })
  await west.call('request', { peer: east.name, name: 'echo', payload: 'west' })
}

/** Everything that needs no more than the name of the network, and the indexes of sessions under way. */
async function attack(stage: Stage): Promise<void> {
  await Promise.all([dialAll(stage, FRESH_WAYS), stage.outsider.call('forge', { indexes: indexesOf(stage) })])
}

/** Everything that members have sent, once more. */
async function replay(stage: Stage): Promise<void> {
  const { members, outsider, capture } = stage
  const { datagrams, streams } = capture.soFar()
  const own = members.map((host) => host.address())
  const said = streams.filter(
    ({ from, to, bytes }) => own.includes(from.host) && own.includes(to.host) && bytes.length > 0,
  )
  const dials = said.slice(-REPLAYED_STREAMS).flatMap(({ bytes }) => {
    const base64 = Buffer.from(bytes.subarray(0, REPLAYED_BYTES)).toString('base64')
    return own.flatMap((to) => REPLAY_WAYS.map((way) => outsider.call('dial', { to, way, ms: DIAL_MS, base64 })))
  })
  const base64 = datagrams
    .filter(({ from }) => own.includes(from.host))
    .slice(-REPLAYED_DATAGRAMS)
    .map(({ bytes }) => Buffer.from(bytes).toString('base64'))
  await Promise.all([...dials, outsider.call('replay', { base64 })])
}

async function dialAll({ members, outsider }: Stage, ways: readonly Way[]): Promise<void> {
  const dials = members.flatMap((host) =>
    ways.map((way) => outsider.call('dial', { to: host.address(), way, ms: DIAL_MS })),
  )
  await Promise.all(dials)
}

/** Of sessions that members have used last. */
function indexesOf({ members, capture }: Stage): number[] {
  const own = members.map((host) => host.address())
  const named = capture
    .soFar()
    .datagrams.filter(({ from }) => own.includes(from.host))
    .flatMap(({ bytes }) => indexIn(bytes)?.index ?? [])
  return [...new Set(named)].slice(-FORGED_INDEXES)
}

/** How much came back on each connection that the outsider made. */
function answersTo(outside: readonly string[], { streams }: Captured): number[] {
  return streams
    .filter(({ from, to }) => outside.includes(to.host) && from.port === PEER_PORT && to.port !== PEER_PORT)
    .map(({ bytes }) => bytes.length)
}

function placesOf({ datagrams, streams, others }: Captured): Place[] {
  const ends = ({ from, to }: Pick<Captured['streams'][number], 'from' | 'to'>): string =>
    `${from.host}:${from.port} to ${to.host}:${to.port}`
  return [
    ...datagrams.map((datagram) => ({ where: `a datagram from ${ends(datagram)}`, bytes: datagram.bytes })),
    ...streams.map((stream) => ({ where: `the stream from ${ends(stream)}`, bytes: stream.bytes })),
    ...others.map((bytes) => ({ where: 'another frame', bytes })),
  ]
}

/** So long that nobody meets it by chance. */
function nameOf(host: Host): string {
  return `${host.name}-${randomBytes(9).toString('hex')}`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
