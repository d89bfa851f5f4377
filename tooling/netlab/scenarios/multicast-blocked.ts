/**
 * A network that carries no multicast, as many guest Wi-Fis. Today announcements are the only way in which daemons find each
 * other, and neither daemon nor CLI takes an address: so they stay alone, and find each other when multicast is let through.
 * Who has once been met is found again by its address alone.
 */
import { Ledger } from '../../ledger.js'
import type { Netlab } from '../netlab.js'
import type { Scenario } from '../scenario.js'
import { allSee, everybodyTalks, OFFLINE_LIMIT_MS, RECHECK_LIMIT_MS, settle, waitSaying } from '../scenes.js'

/** Alone, a daemon announces itself every 30 s, ± 10 %, after the 32 s of its search; then a dial. */
const PASSIVE_LIMIT_MS = 35_000

export const multicastBlocked: Scenario = {
  name: 'multicast-blocked',
  summary:
    'no multicast: strangers do not find each other until it is let through; who was met before is found by address',
  options: {
    'alone-seconds': { help: 'how long nobody may find anybody', min: 1, max: 600, default: 40 },
    'by-address': { help: 'also kill one, and wait until it is found again by its address', flag: true },
  },
  tools: ['nft'],
  built: true,
  limitS: 780,
  run,
}

async function run(lab: Netlab): Promise<void> {
  const lan = lab.lan()
  lan.blockMulticast({ broadcast: true })
  const [east, west] = [lab.daemon(lab.host('east', lan)), lab.daemon(lab.host('west', lan))]
  const both = [east, west]
  await Promise.all(both.map((daemon) => daemon.start()))
  await waitSaying(lab, lab.number('alone-seconds') * 1_000, 'multicast is blocked')
  const known = (await east.peers()).length + (await west.peers()).length
  lab.figure('found_while_blocked', known, { atMost: 0 })
  lab.figure('packets_blocked', lan.dropped().blocked, { atLeast: 1 })
  lab.step(`multicast is blocked: they announce themselves, and ${known === 0 ? 'find nobody' : `know ${known}`}`)

  const unblockedAt = Date.now()
  lan.allowMulticast()
  const found = (await allSee(both, both, 'online', 2 * PASSIVE_LIMIT_MS)) - unblockedAt
  lab.figure('discovery_ms', found, { atMost: PASSIVE_LIMIT_MS })
  lab.step(
    `multicast passes: they found each other after ${found.toFixed(0)} ms, with an announcement that comes every 30 s`,
  )

  lan.blockMulticast({ broadcast: true })
  const ledger = new Ledger()
  await everybodyTalks(ledger, both, 100)
  lab.step('blocked again: their connection does not care')

  if (lab.options['by-address'] === true) {
    await west.kill()
    await allSee([east], [west], 'offline', 2 * OFFLINE_LIMIT_MS)
    const { listeningAt } = await west.start()
    const back = (await allSee(both, both, 'online', 2 * RECHECK_LIMIT_MS)) - listeningAt
    lab.figure('back_online_ms', back, { atMost: RECHECK_LIMIT_MS })
    await everybodyTalks(ledger, both, 100)
    lab.step(`west was killed and started again: east found it by its address after ${back.toFixed(0)} ms`)
  }
  settle(lab, ledger)
}
