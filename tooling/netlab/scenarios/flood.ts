/**
 * One machine sends as fast as it can from a thousand addresses, those of honest peers among them, what looks right until somebody
 * looks closer. Honest peers go on serving each other, memory stays where it was, and nobody gets more out than he puts in.
 */
import { delay } from '../../daemon-process.js'
import type { Agent } from '../agent.js'
import { indexIn } from '../forged-datagrams.js'
import { MEMBER_PORT, Members } from '../members.js'
import { answeredShare, type Meter } from '../meter-rules.js'
import type { Netlab } from '../netlab.js'
import type { handlers, Kind } from '../programs/flooder.js'
import type { Scenario } from '../scenario.js'

/** Addresses of nobody; the flooder claims them, so that answers go somewhere. */
const PREFIX = '10.32.0.0/16'
/** Of all forged datagrams, so much comes from honest addresses. */
const HONEST_SHARE = 0.3
const WARM_UP_MS = 500
const RESETS_PER_SECOND = 1_000
/** Prepared, and then sent round and round. */
const MIX = 4_200
const PROBES = 100
const QUIET_MS = 250
/** Calls are answered again when all of so long are. */
const RECOVERED_MS = 500
const RECOVER_LIMIT_MS = 5_000
const SETTLE_LIMIT_MS = 5_000
/** Among a peer's counters: datagrams that its process has seen. */
const RECEIVED = 'datagrams.received'
/** 1,024 that others began and have not used, and the own ones. */
const MAX_HANDSHAKE_STATE = 1_040
const KINDS: readonly Kind[] = [
  'session',
  'reset',
  'response',
  'initiation',
  'exchange',
  'record-request',
  'announcement',
  'noise',
]
/** Of which most is of the kind that costs the sender least. */
const FLOOD: readonly Kind[] = [
  'session',
  'session',
  'session',
  'initiation',
  'exchange',
  'record-request',
  'reset',
  'noise',
]

export const flood: Scenario = {
  name: 'flood',
  summary: 'a flood from a thousand forged addresses, those of honest peers included, silences and bloats nobody',
  options: {
    seconds: { help: 'how long the flood lasts', min: 1, max: 600, default: 20 },
    honest: { help: 'honest peers beside the victim', min: 1, max: 10, whole: true, default: 3 },
    sources: { help: 'source addresses, honest ones included', min: 20, max: 1_000, whole: true, default: 1_000 },
    control: { help: 'honest calls go by the control connection instead of datagrams', flag: true },
  },
  tools: ['nft', 'tcpdump'],
  built: true,
  limitS: 900,
  run,
}

interface Site {
  readonly lab: Netlab
  readonly members: Members
  readonly flooder: Agent<typeof handlers>
  /** What the flooder knows of those it floods. */
  readonly known: { readonly network: string; readonly victim: string; readonly indexes: readonly number[] }
  /** Counts from now on what the victim gets from the flooder, and its answers. */
  readonly meter: () => () => Meter
}

async function run(lab: Netlab): Promise<void> {
  const site = await build(lab)
  const heap = (): Promise<number> => site.members.victim.agent.call('heap')
  await bytesOutPerIn(site)
  const before = await heap()
  await resets(site)
  await everything(site)
  lab.figure('heap_growth_mb', Math.max(0, (await heap()) - before) / 1e6, { atMost: 64 })
  await recover(site)
}

/** Members that have met and talked, and what of their talk somebody on the wire would know. */
async function build(lab: Netlab): Promise<Site> {
  const lan = lab.lan()
  const victim = lab.host('victim', lan)
  const honest = Array.from({ length: lab.number('honest') }, (_, at) => lab.host(`honest${at + 1}`, lan))
  const flooderHost = lab.host('flooder', lan)
  const members = await Members.start(lab, { victim, honest }, lab.options.control === true)
  const capture = await lan.capture({ filter: `udp port ${MEMBER_PORT}` })
  const quiet = await members.call(WARM_UP_MS)
  const { datagrams } = await capture.stop()
  lab.check('served_before', quiet.answered === quiet.asked, JSON.stringify(quiet.failures))
  const seen = datagrams.filter(({ from, to }) => [from.host, to.host].includes(victim.address()))
  const indexes = [...new Set(seen.flatMap(({ bytes }) => indexIn(bytes)?.index ?? []))]
  lab.step(`${1 + honest.length} members talk; the wire shows ${indexes.length} indexes of the victim's sessions`)

  flooderHost.claim(PREFIX)
  victim.reach(PREFIX)
  const sources = sourcesOf(
    honest.map((host) => host.address()),
    lab.number('sources'),
  )
  flooderHost.forgeSources(MEMBER_PORT, sources)
  const flooder = await lab.agent<typeof handlers>(flooderHost, 'flooder')
  await flooder.call('aim', { to: victim.address(), port: MEMBER_PORT, from: MEMBER_PORT })
  const known = { network: lab.network, victim: members.victim.id, indexes }
  return { lab, members, flooder, known, meter: () => lan.meter(victim, flooderHost) }
}

/** As often as nft can draw: honest addresses several times, all others once. */
function sourcesOf(honest: readonly string[], count: number): string[] {
  const each = Math.ceil((count * HONEST_SHARE) / honest.length)
  const others = count - each * honest.length
  const strangers = Array.from({ length: others }, (_, at) => `10.32.${1 + Math.floor(at / 250)}.${1 + (at % 250)}`)
  return [...honest.flatMap((address) => Array.from({ length: each }, () => address)), ...strangers]
}

/** The worst of all kinds, each alone and slowly, so that none is refused for its number. */
async function bytesOutPerIn({ lab, flooder, known, meter }: Site): Promise<void> {
  const shares: number[] = []
  for (const kind of KINDS) {
    const count = meter()
    await flooder.call('load', { ...known, kinds: [kind], count: PROBES })
    await flooder.call('shoot', { count: PROBES, ms: 5_000, perSecond: 1_000 })
    const counted = await settled(count)
    if (counted.in.packets !== PROBES) throw new Error(`of ${PROBES} ${kind} came ${counted.in.packets}`)
    shares.push(answeredShare(counted))
  }
  lab.figure('bytes_out_per_in', Math.max(...shares), { atMost: 1 })
  lab.step(`answers to forged sources: ${KINDS.map((kind, at) => `${kind} ${shares[at]?.toFixed(2)}`).join(', ')}`)
}

/** Once nothing more is answered: a busy victim answers late. */
async function settled(meter: () => Meter): Promise<Meter> {
  const deadline = performance.now() + SETTLE_LIMIT_MS
  let [last, quietSince] = [meter(), performance.now()]
  while (performance.now() - quietSince < QUIET_MS && performance.now() < deadline) {
    await delay(QUIET_MS / 5)
    const next = meter()
    if (next.out.packets !== last.out.packets) quietSince = performance.now()
    last = next
  }
  return last
}

/** Sessions that others claim not to know any more: at most a handshake begins beside them. */
async function resets({ lab, members, flooder, known }: Site): Promise<void> {
  const ms = 500 * lab.number('seconds')
  await flooder.call('load', { ...known, kinds: ['reset'], count: MIX })
  const [served, shot] = await Promise.all([
    members.call(ms),
    flooder.call('shoot', { ms, perSecond: RESETS_PER_SECOND }),
  ])
  lab.figure('resets_interrupted', served.asked - served.answered, { atMost: 0 })
  lab.figure('resets_per_s', (1_000 * shot.sent) / shot.ms, { atLeast: 0.9 * RESETS_PER_SECOND })
  lab.step(`${shot.sent} forged resets: ${served.answered} of ${served.asked} calls were answered`)
}

async function everything({ lab, members, flooder, known, meter }: Site): Promise<void> {
  const ms = 1_000 * lab.number('seconds')
  const { agent } = members.victim
  await flooder.call('load', { ...known, kinds: FLOOD, count: MIX })
  const [before, cpuMs, count] = [await agent.call('counters'), await agent.call('cpuMs'), meter()]
  const shooting = flooder.call('shoot', { ms })
  const [served, shot, state] = await Promise.all([members.call(ms), shooting, members.mostHandshakes(shooting)])
  const [counted, after] = [count(), await agent.call('counters')]
  const received = (after[RECEIVED] ?? 0) - (before[RECEIVED] ?? 0)
  lab.figure('packets_per_s', (1_000 * counted.in.packets) / shot.ms, { atLeast: 1 })
  lab.figure('received_share', received / counted.in.packets)
  lab.figure('cpu_us_per_datagram', (1_000 * ((await agent.call('cpuMs')) - cpuMs)) / Math.max(1, received))
  lab.figure('flood_bytes_out_per_in', answeredShare(counted), { atMost: 1 })
  lab.figure('handshake_state', state, { atMost: MAX_HANDSHAKE_STATE })
  lab.figure('honest_success', served.answered / served.asked, { atLeast: 0.99 })
  for (const [name, value] of Object.entries(after)) {
    const rise = value - (before[name] ?? 0)
    if (rise > 0) lab.say(`  ${name.padEnd(22)} +${rise}`)
  }
  const failures = Object.entries(served.failures).map(([code, times]) => `, ${times} × ${code}`)
  const calls = `${served.answered} of ${served.asked} calls were answered${failures.join('')}`
  lab.step(`${counted.in.packets} forged datagrams: ${calls}`)
}

/** How long after the flood calls still fail. */
async function recover({ lab, members }: Site): Promise<void> {
  const started = performance.now()
  for (;;) {
    const { asked, answered } = await members.call(RECOVERED_MS)
    const took = performance.now() - started - RECOVERED_MS
    if (answered !== asked && took <= RECOVER_LIMIT_MS) continue
    lab.figure('recover_ms', took, { atMost: RECOVER_LIMIT_MS })
    return
  }
}
