/**
 * C3: a machine loses power, and nobody is told (a half-open connection, RFC 9293 §3.5.1). Whoever is connected with it notices within 26 s:
 * the dialler, the acceptor, and either of them while it goes on sending.
 */
import type { Lab } from '../../lab.js'
import { introduce, Station } from '../../station.js'

const SEEN_WITHIN_S = 26
const GIVE_UP_MS = 60_000
/** Power goes at some moment between two pings of keep-alive, which come every 5 s. */
const WITHIN_MS = 10_000
const SEND_EVERY_MS = 20
/** For messaging a frame like any other; the name of a service on a bulk connection. */
const POUR = 'lab/pour'
const PAYLOAD = new Uint8Array(10_000).fill(1)

/** What the one that is left does when the other one's power goes. */
interface Kind {
  readonly name: string
  readonly dialled: boolean
  readonly sends: boolean
  readonly bulk: boolean
}

const KINDS: readonly Kind[] = [
  { name: 'a dialler', dialled: true, sends: false, bulk: false },
  { name: 'an acceptor', dialled: false, sends: false, bulk: false },
  { name: 'a dialler that sends', dialled: true, sends: true, bulk: false },
  { name: 'an acceptor that sends', dialled: false, sends: true, bulk: false },
  { name: 'who sends over a bulk connection', dialled: true, sends: true, bulk: true },
]

export async function powerOff(lab: Lab): Promise<void> {
  const random = lab.random.stream('power cuts')
  const rounds = KINDS.flatMap((kind) => Array.from({ length: lab.option('offs') }, (_, index) => ({ kind, index })))
  const seen = await Promise.all(
    rounds.map(async ({ kind, index }) => {
      const ms = await seenAfter(lab, kind, index, random.float() * WITHIN_MS)
      const why = (): string => `${kind.name} (${index}) sees nothing for ${GIVE_UP_MS} ms`
      lab.check('a power cut is seen', ms < GIVE_UP_MS, why)
      return { kind, ms }
    }),
  )
  for (const bulk of [false, true]) {
    const times = seen.filter(({ kind }) => kind.bulk === bulk).map(({ ms }) => ms)
    lab.figure(bulk ? 'c3_bulk_seen_s' : 'c3_seen_s', Math.max(...times) / 1_000, { atMost: SEEN_WITHIN_S })
  }
}

/** How long what is left of the two has not noticed, ms. */
async function seenAfter(lab: Lab, kind: Kind, index: number, inMs: number): Promise<number> {
  const left = await Station.start(lab, { name: `${kind.name} ${index}` })
  const victim = await Station.start(lab, { name: `without power, for ${kind.name} ${index}` })
  introduce(left, victim)
  const [dialler, acceptor] = kind.dialled ? [left, victim] : [victim, left]
  await dialler.connector.control(acceptor.id)
  await lab.until('both are connected', () => left.connector.current(victim.id) !== undefined, GIVE_UP_MS)
  const link = kind.bulk ? await bulkLink(left, victim) : controlLink(left, victim)
  let seenAt: number | undefined
  void link.closed.then(() => {
    seenAt = lab.now()
  })
  const offAt = lab.now() + inMs
  let off = false
  while (seenAt === undefined && lab.now() < offAt + GIVE_UP_MS) {
    if (!off && lab.now() >= offAt) {
      victim.powerOff()
      off = true
    }
    // Refused when the queue is full, and when it is over: what is measured is when this side knows.
    if (kind.sends) link.send().catch(() => {})
    await lab.sleep(SEND_EVERY_MS)
  }
  await left.close()
  return (seenAt ?? lab.now()) - offAt
}

interface Link {
  readonly closed: Promise<unknown>
  send(): Promise<void>
}

function controlLink(left: Station, victim: Station): Link {
  const control = left.connector.current(victim.id)
  if (control === undefined) throw new Error(`${left.name} has lost its connection before the power cut`)
  return { closed: control.closed, send: () => control.send(POUR, control.nextId(), PAYLOAD) }
}

async function bulkLink(left: Station, victim: Station): Promise<Link> {
  victim.services.register(POUR, { access: 'anyone' }, async (connection) => {
    connection.onMessage(() => {})
    await connection.closed
  })
  const connection = await left.connector.openBulk(victim.id)
  connection.onMessage(() => {})
  return { closed: connection.closed, send: () => connection.send({ header: POUR, id: 1, body: PAYLOAD }) }
}
