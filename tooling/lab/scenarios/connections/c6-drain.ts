/**
 * C6: a peer is closed politely while many others ask it very often. Whatever it took is answered, it is gone within 10 s, and
 * who comes too late is told so at once.
 */
import { readClaims } from '../../claims.js'
import type { Attempt } from '../../history.js'
import type { Lab } from '../../lab.js'
import { introduce, Station } from '../../station.js'

const ASKERS = 10
const BEFORE_MS = 2_000
/** How long they go on asking when it is gone. */
const AFTER_MS = 1_000
const EXIT_S = 10
/** Longer than the exit may take: a request that is neither answered nor refused shows as one that reached it. */
const REQUEST_MS = 30_000
/** Dials to where nobody listens any more are tried three times within 750 ms. */
const REFUSED_WITHIN_MS = 1_000
/** Most handlers are quick; some take longer than anything else here, and less than a drain. */
const QUICK_MS = 20
const SLOW_MS = 3_000
const SLOW_SHARE = 0.01
/** What a request may be answered with that was taken after the last moment for handlers. */
const REFUSALS: readonly unknown[] = ['SHUTTING_DOWN', 'BUSY']

export async function drain(lab: Lab): Promise<void> {
  const random = lab.random.stream('drain')
  const workMs = (): number => (random.chance(SLOW_SHARE) ? random.float() * SLOW_MS : random.exponential(QUICK_MS))
  const server = await Station.start(lab, { name: 'server', workMs })
  /** Frames that its connector handed on: GOAWAY names the last one of each connection. */
  const taken = new Set<number>()
  server.connector.events.on('frame', (_connection, { header, body }) => {
    if (header === 'pc/request') taken.add(readClaims((body as { body: unknown }).body).number)
  })
  const askers = await Promise.all(
    Array.from({ length: ASKERS }, (_, index) => startAsker(lab, server, `asker ${index}`)),
  )
  let over = false
  const everyMs = (ASKERS * 1_000) / lab.option('rate')
  const asking = askers.map((one) => {
    return askUntil(lab, one, server, { offsetMs: everyMs * random.float(), everyMs }, () => over)
  })

  await lab.sleep(BEFORE_MS)
  const closedAt = lab.now()
  await server.close()
  const goneAt = lab.now()
  await lab.sleep(AFTER_MS)
  over = true
  const attempts = (await Promise.all(asking)).flat()

  const { executions } = lab.recorder.history
  const executed = new Set(executions.filter(({ by }) => by === 'server#1').map(({ claims }) => claims.number))
  const unanswered = attempts.filter((one) => taken.has(one.number) && !isAnswered(one, executed.has(one.number)))
  const late = attempts.filter(({ outcome }) => outcome !== 'done')
  const hanging = late.filter(({ outcome }) => codeIn(outcome) === 'DEADLINE')
  const inService = attempts.filter(
    (one) => executed.has(one.number) && one.at < closedAt && (one.settledAt ?? 0) > closedAt,
  )
  lab.note(`${executed.size} handled, ${inService.length} of them at the moment of closing, ${late.length} refused`)
  lab.figure('c6_unanswered', unanswered.length + hanging.length, { atMost: 0, combine: 'sum' })
  lab.figure('c6_exit_s', (goneAt - closedAt) / 1_000, { atMost: EXIT_S })
  const slowest = Math.max(...late.map(({ tookMs = REQUEST_MS }) => tookMs))
  lab.figure('c6_refused_ms', slowest, { atMost: REFUSED_WITHIN_MS })
  lab.check('requests were in service when it was closed', inService.length > 0)
  lab.check('requests came too late', late.length > 0)
  await Promise.all(askers.map((one) => one.close()))
}

async function startAsker(lab: Lab, server: Station, name: string): Promise<Station> {
  const station = await Station.start(lab, { name })
  introduce(station, server)
  return station
}

/** One after the other, without waiting for answers. Resolves when all have settled. */
async function askUntil(lab: Lab, from: Station, to: Station, pace: Pace, over: () => boolean): Promise<Attempt[]> {
  const asked: Promise<Attempt>[] = []
  await lab.sleep(pace.offsetMs)
  while (!over()) {
    asked.push(from.ask(to, { timeoutMs: REQUEST_MS }))
    await lab.sleep(pace.everyMs)
  }
  return Promise.all(asked)
}

interface Pace {
  readonly offsetMs: number
  readonly everyMs: number
}

/** What its handler began must be done; what nobody began may be refused by the other side, but in words. */
function isAnswered({ outcome }: Attempt, executed: boolean): boolean {
  return outcome === 'done' || (!executed && REFUSALS.includes(codeIn(outcome)))
}

function codeIn(outcome: Attempt['outcome']): string | undefined {
  return typeof outcome === 'object' ? outcome.rejected : undefined
}
