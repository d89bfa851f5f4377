/**
 * `npm run demo`: three real daemons on this machine find each other, talk, survive a kill, and end. Own state folders, an open
 * network with a random name, loopback only. Each step says what happened and how long it took.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DaemonProcess } from '../daemon-process.js'
import { onInterruption } from '../interruption.js'
import { Ledger } from '../ledger.js'
import { LOOPBACK } from '../loopback.js'
import { Report } from '../report.js'
import { broadcastReached, comeBack, discoveryMs, noticeDeath, searchFound, slowestPing } from '../scenes.js'
import { TextFlow } from './text-flow.js'

const TEXTS_PER_DIRECTION = 500
const JOIN_LIMIT_MS = 10_000

const json = process.argv.includes('--json')
const network = `demo-${randomBytes(4).toString('hex')}`
const folder = mkdtempSync(join(tmpdir(), 'peerconnect-demo-'))
const report = new Report('demo', { peers: 3, network }, json)
const daemons = ['alpha', 'beta', 'gamma'].map(
  (name) =>
    new DaemonProcess({ name, network, interfaces: LOOPBACK, folder, env: { PC_CAPABILITIES: `demo,${name}s` } }),
)
const pairs = daemons.flatMap((from) => daemons.filter((to) => to !== from).map((to) => [from, to] as const))

onInterruption(cleanUp)
process.exitCode = (await play()) ? 0 : 1

async function cleanUp(): Promise<void> {
  await Promise.allSettled(daemons.map((daemon) => daemon.stop()))
  rmSync(folder, { recursive: true, force: true })
}

async function play(): Promise<boolean> {
  try {
    await scenes()
    await Promise.all(daemons.map((daemon) => daemon.stop()))
    report.step('all three stopped')
    return report.finish([
      { figure: 'peers', atLeast: 3 },
      { figure: 'discovery_ms', atMost: 1_000 },
      { figure: 'messages_sent', atLeast: 3_000 },
      { figure: 'messages_lost', atMost: 0 },
      { figure: 'dht_get_ms', atMost: 1_000 },
      { figure: 'broadcast_reached', atLeast: 2 },
      { figure: 'search_found', atLeast: 2 },
      { figure: 'offline_noticed_ms', atMost: 10_000 },
    ])
  } catch (error) {
    report.fail(error)
    return false
  } finally {
    await cleanUp()
  }
}

/** Resolves when a daemon has so many contacts in the directory. */
async function joined(daemon: DaemonProcess, contacts: number): Promise<void> {
  const until = performance.now() + JOIN_LIMIT_MS
  for (;;) {
    const { directory } = (await daemon.call('status')) as { directory: { contacts: number } }
    if (directory.contacts >= contacts) return
    if (performance.now() > until) throw new Error(`${daemon.name} has ${directory.contacts} contacts after 10 s`)
    await delay(20)
  }
}

async function scenes(): Promise<void> {
  report.figure('setup_s', Number(process.env.PC_SETUP_MS ?? 0) / 1_000)
  const statuses = await Promise.all(daemons.map((daemon) => daemon.start()))
  report.figure('peers', daemons.length)
  report.step(
    `three daemons run: ${daemons.map(({ name }, index) => `${name} ${statuses[index]?.addresses[0]}`).join(', ')}`,
  )

  const found = report.figure('discovery_ms', await discoveryMs(daemons))
  report.step(`everybody found everybody without being told an address; the slowest pair took ${found.toFixed(0)} ms`)

  const ping = report.figure('ping_ms', await slowestPing(pairs))
  report.step(`each pinged each; the slowest pair's median is ${ping.toFixed(1)} ms`)

  const ledger = new Ledger()
  await Promise.all(pairs.map(([from, to]) => ledger.sendMany(from, to, TEXTS_PER_DIRECTION)))
  const { sent, acknowledged } = ledger.balance()
  report.step(
    `${sent} texts sent, ${acknowledged} acknowledged: ${2 * TEXTS_PER_DIRECTION} for each of the three pairs`,
  )

  const [alpha, beta, gamma] = daemons as [DaemonProcess, DaemonProcess, DaemonProcess]
  const asked = performance.now()
  await alpha.call('request', { peer: beta.name, name: 'echo', payload: { question: 'are you there?' } })
  const requested = report.figure('request_ms', performance.now() - asked)
  report.step(`alpha asked beta, and was answered in ${requested.toFixed(1)} ms`)

  await Promise.all(daemons.map((daemon) => joined(daemon, daemons.length - 1)))
  await alpha.call('put', { name: 'greeting', value: 'from alpha' })
  const looked = performance.now()
  await beta.call('get', { name: 'greeting', from: alpha.name })
  const got = report.figure('dht_get_ms', performance.now() - looked)
  report.step(`alpha put a value into the directory that nobody runs, and beta got it in ${got.toFixed(1)} ms`)

  const { reached, ms: toldMs } = await broadcastReached(alpha, [beta, gamma])
  report.figure('broadcast_reached', reached)
  report.step(`alpha told everybody a text; it reached ${reached} of 2 others in ${toldMs.toFixed(1)} ms`)

  const { found: answered, ms: searchedMs } = await searchFound(gamma, 'demo', 2)
  report.figure('search_found', answered)
  report.step(`gamma searched for who can do "demo"; ${answered} of 2 others answered in ${searchedMs.toFixed(1)} ms`)

  const flow = new TextFlow(ledger, [
    [alpha, gamma],
    [beta, gamma],
    [alpha, beta],
  ])
  let back: number
  try {
    const noticed = report.figure('offline_noticed_ms', await noticeDeath(gamma, [alpha, beta]))
    report.step(`gamma was killed (-9) in the middle of texts; the others noticed within ${noticed.toFixed(0)} ms`)

    back = report.figure('back_online_ms', await comeBack(gamma, [alpha, beta]))
    await ledger.sendMany(gamma, alpha, 50)
  } finally {
    // Also when a scene failed: what flows for ever would keep this process.
    await flow.stop()
  }
  report.step(`gamma came back with the same id while texts flowed; seen again after ${back.toFixed(0)} ms`)

  const balance = ledger.balance()
  report.figure('messages_sent', balance.sent)
  report.figure('messages_refused', balance.refused)
  report.figure('messages_lost', balance.lost)
  report.step(
    `the books agree: ${balance.sent} sent, ${balance.acknowledged} acknowledged, ${balance.refused} refused and said so (${ledger.refusals()}), ${balance.lost} lost`,
  )
}
