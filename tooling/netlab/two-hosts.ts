/** Two daemons on two hosts find each other by multicast alone, talk both ways, and one survives a kill with its identity. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaemonProcess } from '../daemon-process.js'
import { onInterruption } from '../interruption.js'
import { Ledger } from '../ledger.js'
import type { Report } from '../report.js'
import { comeBack, discoveryMs, noticeDeath } from '../scenes.js'
import { HOST_INTERFACE, Lan } from './hosts.js'

const TEXTS_PER_DIRECTION = 200

export async function twoHosts(report: Report): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'peerconnect-netlab-'))
  const network = `netlab-${randomBytes(4).toString('hex')}`
  let lan: Lan | undefined
  let daemons: DaemonProcess[] = []
  const cleanUp = async (): Promise<void> => {
    await Promise.allSettled(daemons.map((daemon) => daemon.stop()))
    rmSync(folder, { recursive: true, force: true })
    lan?.close()
  }
  onInterruption(cleanUp)
  try {
    lan = new Lan(['east', 'west'])
    daemons = lan.hosts.map(
      ({ name, prefix }) => new DaemonProcess({ name, prefix, network, interfaces: HOST_INTERFACE, folder }),
    )
    const [east, west] = daemons as [DaemonProcess, DaemonProcess]
    await Promise.all(daemons.map((daemon) => daemon.start()))
    report.step(`two hosts run: ${lan.hosts.map(({ name, address }) => `${name} ${address}`).join(', ')}`)
    const found = report.figure('discovery_ms', await discoveryMs(daemons))
    report.step(`they found each other by multicast in ${found.toFixed(0)} ms`)

    const ledger = new Ledger()
    await Promise.all([
      ledger.sendMany(east, west, TEXTS_PER_DIRECTION),
      ledger.sendMany(west, east, TEXTS_PER_DIRECTION),
    ])
    await east.call('request', { peer: west.name, name: 'echo', payload: 'east' })
    await west.call('request', { peer: east.name, name: 'echo', payload: 'west' })
    report.step(`${2 * TEXTS_PER_DIRECTION} texts and a request each way`)

    const { id } = await west.status()
    const noticed = report.figure('offline_noticed_ms', await noticeDeath(west, [east]))
    report.step(`west was killed (-9); east noticed within ${noticed.toFixed(0)} ms`)
    const back = report.figure('back_online_ms', await comeBack(west, [east]))
    report.figure('same_id', (await west.status()).id === id ? 1 : 0)
    await Promise.all([ledger.sendMany(east, west, 20), ledger.sendMany(west, east, 20)])
    report.step(`west came back with the same id after ${back.toFixed(0)} ms, and they talked on`)

    const { sent, acknowledged, refused, lost } = ledger.balance()
    report.figure('messages_sent', sent)
    report.figure('messages_refused', refused)
    report.figure('messages_lost', lost)
    report.step(`${sent} texts sent, ${acknowledged} acknowledged, ${refused} refused, ${lost} lost`)
    return report.finish([
      { figure: 'discovery_ms', atMost: 1_000 },
      { figure: 'messages_lost', atMost: 0 },
      { figure: 'offline_noticed_ms', atMost: 10_000 },
      { figure: 'same_id', atLeast: 1 },
    ])
  } catch (error) {
    report.fail(error)
    return false
  } finally {
    await cleanUp()
  }
}
