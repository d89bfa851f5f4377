/** One side of a datagram session loses its process: how soon do the two talk again? */
import { openNetwork } from '@pc/identity'
import { Protection, RootCode } from '@pc/wire'
import { Door, ECHO, READ } from '../door.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

interface Recovery {
  readonly ms: number
  /** Datagrams of the asking side that somebody had to answer, one after the other. */
  readonly roundTrips: number
  /** Datagrams that it repeated, because a time-out had passed. */
  readonly timers: number
}

const REQUEST_MS = 1_000

export const endpointRestart: Scenario = {
  kind: 'scenario',
  name: 'endpoint-restart',
  summary:
    'one side of datagram sessions restarts again and again: how many round trips and time-outs until they talk?',
  options: {
    ...WEATHER_OPTIONS,
    rounds: { help: 'restarts', min: 1, max: 10_000, whole: true, default: 100 },
  },
  run: async (lab: Lab) => {
    const lossless = !lab.has('loss') || lab.option('loss') === 0
    const bar = (atMost: number): { atMost?: number } => (lossless ? { atMost } : {})

    const reads = await recoveries(lab, 'reads', READ)
    lab.figure('recover_ms', mean(reads.map(({ ms }) => ms)))
    lab.figure('recover_rtts', Math.max(...reads.map(({ roundTrips }) => roundTrips)), bar(2))
    lab.figure('timers_waited', Math.max(...reads.map(({ timers }) => timers)), bar(1))

    // What may not be run twice cannot ride in a first message: it costs the round trip that the handshake takes.
    const others = await recoveries(lab, 'others', ECHO)
    lab.figure('recover_others_ms', mean(others.map(({ ms }) => ms)))
    lab.figure('recover_others_rtts', Math.max(...others.map(({ roundTrips }) => roundTrips)), bar(3))
    lab.figure('timers_waited_others', Math.max(...others.map(({ timers }) => timers)), bar(1))

    // Outsiders of a network with a secret get no answer, so nobody is told that his session is gone: a time-out tells.
    const secret = await recoveries(lab, 'secret', READ, 'a secret of the laboratory')
    lab.figure('recover_secret_ms', mean(secret.map(({ ms }) => ms)))
    lab.figure('recover_secret_rtts', Math.max(...secret.map(({ roundTrips }) => roundTrips)), bar(2))
    lab.figure('timers_waited_secret', Math.max(...secret.map(({ timers }) => timers)), bar(1))
  },
}

async function recoveries(lab: Lab, kind: string, rootCode: number, secret?: string): Promise<Recovery[]> {
  const network = openNetwork('lab', secret === undefined ? {} : { secret })
  const sent: Uint8Array[] = []
  const place = lab.network.hosts.length
  const anna = new Door(lab, place, { name: `anna of ${kind}`, network, onSent: (bytes) => void sent.push(bytes) })
  const ben = new Door(lab, place + 1, { name: `ben of ${kind}`, network })
  await anna.start()
  await ben.start()
  const ask = (): Promise<unknown> => {
    const options = { timeoutMs: REQUEST_MS, idempotent: rootCode === READ }
    return anna.endpoint.submit(ben.place, rootCode, 'are you there', options)
  }
  const found: Recovery[] = []
  for (let round = 0; round < lab.option('rounds'); round++) {
    // Time-outs follow what was measured, and forged hints of a restart are rate-limited: both need some quiet.
    for (let count = 0; count < 3; count++) await ask()
    await lab.sleep(1_500)
    await ben.restart()
    sent.length = 0
    const [at, repeated] = [lab.now(), anna.endpoint.counters.repetitions]
    const answer = await ask().catch((error: unknown) => error)
    lab.check('the request is answered in spite of the restart', answer === 'are you there', () => String(answer))
    const timers = anna.endpoint.counters.repetitions - repeated + repeatedFirstMessages(sent)
    found.push({ ms: lab.now() - at, roundTrips: sent.length - timers - confirmations(sent), timers })
  }
  lab.check(`ben ran each of ${kind} at least once`, ben.served >= found.length, `${ben.served} of ${found.length}`)
  await Promise.all([anna.close(), ben.close()])
  return found
}

function repeatedFirstMessages(sent: readonly Uint8Array[]): number {
  const first = sent.filter(([root = 0, second = 0, type = 0]) => {
    return root === RootCode.SESSION && (second & 0x0f) === Protection.HANDSHAKE && type === 1
  })
  return first.length - new Set(first.map((bytes) => Buffer.from(bytes).toString('latin1'))).size
}

/** What tells the other side that a session is in use needs no answer. */
function confirmations(sent: readonly Uint8Array[]): number {
  return sent.filter(([root = 0, second = 0]) => root === RootCode.SESSION && (second & 0x0f) === Protection.SESSION)
    .length
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
