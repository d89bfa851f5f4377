/** One run of one scenario: plays it, closes everything, holds the history against every rule, and looks for what was left behind. */
import { Catcher, textOf } from './catcher.js'
import { CHECKERS } from './checkers/index.js'
import type { Figures } from './figures.js'
import { type Failure, Lab } from './lab.js'
import type { Life } from './life.js'
import type { OptionValues } from './options.js'
import type { Scenario } from './scenario.js'

export interface RunOptions {
  readonly seed: string
  readonly options: OptionValues
  /** Real time after which the run is given up. @default 600000 */
  readonly wallLimitMs?: number
}

export interface RunResult {
  readonly scenario: string
  readonly seed: string
  /** As used, drawn ones included. */
  readonly options: OptionValues
  readonly pass: boolean
  readonly figures: Figures
  readonly failures: readonly Failure[]
  /** Failures beyond those kept. */
  readonly unshown: number
  readonly checks: number
  /** Over everything that happened: the same run has the same hash. */
  readonly hash: string
  readonly events: number
  /** Until all peers were closed. */
  readonly virtualMs: number
  readonly wallMs: number
}

/** A scenario at its bar's size ends within 10 minutes. */
const WALL_LIMIT_MS = 600_000
/** Reading the real clock costs as much as a small event. */
const LOOKS_PER_WALL_CHECK = 64
/** More than any scenario plays: beyond it something waits for ever while timers keep firing. */
const VIRTUAL_LIMIT_MS = 200 * 3_600_000
/** Polite closing: messages drain 5 s, connections 2 s, a dial that was cut 5 s; with room for stalled machines. */
const CLOSE_LIMIT_MS = 60_000
/** What is still on the way when everybody is gone: a stream to a machine that is off is given up after 15 retransmissions, in 15 min. */
const SETTLE_MS = 1_800_000

export async function runScenario(scenario: Scenario, options: RunOptions): Promise<RunResult> {
  const lab = new Lab({ seed: options.seed, options: options.options, specs: scenario.options })
  const startedAt = performance.now()
  const deadline = startedAt + (options.wallLimitMs ?? WALL_LIMIT_MS)
  let playedMs = 0
  {
    using _catcher = new Catcher((kind, error) => lab.fail(kind, lab.now(), textOf(error)))
    await play(lab, 'the scenario', () => scenario.run(lab), VIRTUAL_LIMIT_MS, deadline)
    await play(lab, 'closing all peers', () => closeAll(lab), CLOSE_LIMIT_MS, deadline)
    playedMs = lab.now()
    await drain(lab)
    // Rejections nobody handled are reported after the turn in which they happened.
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const [name, checker] of Object.entries(CHECKERS)) {
    for (const { at, text } of checker(lab.recorder.history)) lab.fail(name, at, text)
  }
  return {
    scenario: scenario.name,
    seed: lab.seed,
    options: lab.options,
    pass: lab.failures.length === 0,
    figures: lab.figures,
    failures: lab.failures,
    unshown: lab.unshown,
    checks: lab.checks + Object.keys(CHECKERS).length,
    hash: lab.trace.digest(),
    events: lab.clock.fired,
    virtualMs: playedMs,
    wallMs: performance.now() - startedAt,
  }
}

/** Moves time until the work is done. A run that cannot go on, or does not end, is a failure like any other. */
async function play(
  lab: Lab,
  what: string,
  work: () => Promise<void>,
  limitMs: number,
  wallDeadline: number,
): Promise<void> {
  let done = false
  const onError = (error: unknown): void => lab.fail(`${what} ends without an error`, lab.now(), textOf(error))
  const finished = work()
    .catch(onError)
    .finally(() => {
      done = true
    })
  let outOfTime = false
  let looks = 0
  const ready = (): boolean => {
    if (looks++ % LOOKS_PER_WALL_CHECK === 0) outOfTime = performance.now() > wallDeadline
    return done || outOfTime
  }
  try {
    await lab.clock.runUntil(ready, { limitMs })
  } catch (error) {
    lab.fail(`${what} comes to an end`, lab.now(), textOf(error))
    return
  }
  if (done) await finished
  else if (outOfTime)
    lab.fail(`${what} comes to an end`, lab.now(), 'the limit of real time is used up: it is too slow, or hangs')
}

async function closeAll(lab: Lab): Promise<void> {
  for (const machine of lab.machines) {
    machine.resume()
    machine.wake()
  }
  const lives = lab.machines.flatMap(({ life }) => (life?.running ? life : []))
  for (const life of lives) await bookFinalState(lab, life)
  await Promise.all(lab.machines.map((machine) => (machine.life?.running ? machine.stop() : undefined)))
  for (const { key, open } of lives) {
    const left = `${open.streams} streams, ${open.sockets} sockets`
    lab.check(
      'a closed peer leaves no stream and no socket',
      open.streams === 0 && open.sockets === 0,
      `${key}: ${left}`,
    )
  }
}

/** What a peer ends with: its inbox for the checkers, and everything it shows for the trace. */
async function bookFinalState(lab: Lab, { key, peer }: Life): Promise<void> {
  lab.trace.add(
    'final state',
    key,
    JSON.stringify([peer.status(), peer.peers().map(({ peerId, ...view }) => view), peer.names()]),
  )
  if (peer.inbox.dropped > 0) return
  const messages = await peer.inbox.list({ limit: Number.MAX_SAFE_INTEGER })
  lab.recorder.inbox(
    key,
    messages.map(({ id }) => id),
  )
}

/** Lets what is on the way arrive; then nothing may be scheduled any more. */
async function drain(lab: Lab): Promise<void> {
  const left = lab.machines.filter(({ state }) => state !== 'off').map(({ name }) => name)
  lab.check(
    'every peer is closed in the end',
    left.length === 0,
    () => `${left.join(', ')}: its start() or close() does not end`,
  )
  if (left.length > 0) return
  try {
    await lab.clock.advance(SETTLE_MS)
  } catch (error) {
    lab.fail('nothing is left behind', lab.now(), textOf(error))
  }
  lab.check('nothing is left behind', lab.clock.pending === 0, () => `${lab.clock.pending} timers are still set`)
}
