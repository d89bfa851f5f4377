/**
 * What programs do to messaging: handlers that throw, dawdle and refuse, a journal whose disk fails now and then, a receiver that
 * stands still, a connection that breaks, and an end in the middle of work. One peer asks, the other one is difficult.
 */
import type { ReceivedMessage } from '@pc/messaging'
import type { Clock } from '@pc/transport'
import type { Value } from '@pc/wire'
import { notOnline } from '../everybody.js'
import type { Attempt } from '../history.js'
import type { Lab } from '../lab.js'
import type { Machine } from '../machine.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

/** Nothing is lost in the default weather, and nobody dawdles for so long. */
const TIMEOUT_MS = 10_000
/** More than the window of a stream (64) and the places of a handler (16) together. */
const REFUSALS = 200
/** Longest text that fits into a control frame with its envelope. */
const LARGE_BYTES = 60_000

export const handlers: Scenario = {
  kind: 'scenario',
  name: 'handlers',
  summary:
    'handlers that throw, refuse and dawdle, a failing journal, a full queue, a broken connection, an end in mid-work',
  options: {
    ...WEATHER_OPTIONS,
    messages: { help: 'messages of mixed types', min: 1, max: 100_000, whole: true, default: 400 },
  },
  run: async (lab: Lab) => {
    const clock = new CountingClock()
    const ben = lab.machine({ name: 'ben', peer: { clock, messaging: { journal: failingJournal(lab, 'ben') } } })
    clock.of = ben
    await ben.start()
    const anna = await lab.peer({ name: 'anna' })
    await lab.until(
      'they meet',
      () => notOnline(lab).length === 0,
      60_000,
      () => notOnline(lab).join(', '),
    )
    await mixedMessages(lab, anna, ben)
    await failingRequests(lab, anna, ben)
    await fullQueue(lab, anna, ben)
    await brokenConnection(lab, anna, ben)
    await endInTheMiddle(lab, anna, ben)
    lab.check(
      'a closed peer leaves no timer',
      clock.pending === 0,
      () => `${clock.pending} timers of ben are still set`,
    )
  },
}

/** Taken, refused and unstored messages in bursts: each is settled for what it is, and the next ones are not held up. */
async function mixedMessages(lab: Lab, anna: Machine, ben: Machine): Promise<void> {
  const random = lab.random.stream('mixed messages')
  const started: number[] = []
  let running = 0
  let most = 0
  const peer = peerOf(ben)
  peer.onMessage('lab/taken', { access: 'anyone' }, async ({ payload }: ReceivedMessage<Value>) => {
    started.push(Number((payload as { number?: Value }).number))
    running += 1
    most = Math.max(most, running)
    await lab.sleep(random.exponential(2))
    running -= 1
    if (random.chance(0.2)) throw new Error('a handler that fails')
  })
  peer.onMessage('lab/trusted', { access: 'trusted' }, () => {})
  const expected = { 'lab/taken': 'done', 'lab/trusted': 'DENIED', 'lab/unknown': 'NO_HANDLER' } as const
  const calls: Promise<void>[] = []
  const one = async (type: keyof typeof expected): Promise<void> => {
    const { outcome } = await send(lab, anna, ben, type)
    const came = typeof outcome === 'object' ? outcome.rejected : outcome
    // The journal fails for those that would be taken, and for no others.
    const holds = came === expected[type] || (type === 'lab/taken' && came === 'INBOX_REFUSED')
    lab.check('a message is acknowledged if it is taken, and else refused for its reason', holds, `${type}: ${came}`)
  }
  while (calls.length < lab.option('messages')) {
    const burst = random.integer(1, 40)
    for (let call = 0; call < burst; call++)
      calls.push(one(random.pick(['lab/taken', 'lab/taken', 'lab/trusted', 'lab/unknown'])))
    await lab.sleep(random.exponential(20))
  }
  // More refusals in a row than the window of a stream has places, and no acknowledgement that would cover them.
  for (let call = 0; call < REFUSALS; call++) calls.push(one('lab/unknown'))
  calls.push(one('lab/taken'))
  await Promise.all(calls)
  await lab.until('all handlers are done', () => running === 0, TIMEOUT_MS)
  const sorted = [...started].sort((a, b) => a - b)
  lab.check('handlers are called in the order of the sender', started.join() === sorted.join(), started.join(' '))
  lab.check('handlers of one sender and type run one at a time', most <= 1, `${most} ran together`)
  lab.figure('handled', started.length, { atLeast: 1 })
}

/** Every failure is told to the one who asked, and takes no place away. */
async function failingRequests(lab: Lab, anna: Machine, ben: Machine): Promise<void> {
  peerOf(ben).handle('lab/fails', { access: 'anyone' }, () => {
    throw new Error('a handler that fails')
  })
  for (let call = 0; call < REFUSALS; call++) {
    const code = await codeOf(peerOf(anna).request(ben.id, 'lab/fails', null, { timeoutMs: TIMEOUT_MS }))
    lab.check(
      'a handler that fails answers HANDLER_FAILED every time',
      code === 'HANDLER_FAILED',
      `call ${call + 1}: ${code}`,
    )
    if (code !== 'HANDLER_FAILED') return
  }
}

/** A receiver that stands still: what may wait for it is bounded, and the sender is told. */
async function fullQueue(lab: Lab, anna: Machine, ben: Machine): Promise<void> {
  peerOf(ben).handle('lab/swallow', { access: 'anyone', concurrency: 256, queue: 1_024 }, () => null)
  ben.pause()
  const filler = 'x'.repeat(LARGE_BYTES)
  const asks = Array.from({ length: REFUSALS }, () =>
    codeOf(peerOf(anna).request(ben.id, 'lab/swallow', filler, { timeoutMs: 2_000 })),
  )
  await lab.sleep(2_500)
  ben.resume()
  const codes = await Promise.all(asks)
  const busy = codes.filter((code) => code === 'BUSY').length
  // 1 MiB here, the buffers of the stream, and the window of the other side.
  const bound = (8 * 1_048_576) / LARGE_BYTES
  lab.check(
    'what waits for a receiver that stands still is bounded',
    busy >= REFUSALS - bound,
    `${busy} of ${REFUSALS} were told BUSY`,
  )
  await lab.until(
    'they are online',
    () => notOnline(lab).length === 0,
    60_000,
    () => notOnline(lab).join(', '),
  )
}

async function brokenConnection(lab: Lab, anna: Machine, ben: Machine): Promise<void> {
  peerOf(ben).handle('lab/long', { access: 'anyone' }, () => lab.sleep(8_000).then(() => null))
  for (let round = 0; round < 3; round++) {
    const askedAt = lab.now()
    const asked = codeOf(peerOf(anna).request(ben.id, 'lab/long', null, { timeoutMs: 20_000 }))
    await lab.sleep(100)
    lab.network.resetStreams(anna.host, ben.host)
    const code = await asked
    const tookMs = lab.now() - askedAt
    lab.check(
      'a request is told at once that its connection is gone',
      code === 'CONNECTION_LOST' && tookMs < 1_000,
      `${code} after ${tookMs} ms`,
    )
    await lab.until(
      'they are online',
      () => notOnline(lab).length === 0,
      60_000,
      () => notOnline(lab).join(', '),
    )
  }
}

/** Whoever closes answers what it has accepted. */
async function endInTheMiddle(lab: Lab, anna: Machine, ben: Machine): Promise<void> {
  peerOf(ben).handle('lab/half-second', { access: 'anyone', concurrency: 64 }, () => lab.sleep(500).then(() => null))
  const asks = Array.from({ length: 20 }, () =>
    codeOf(peerOf(anna).request(ben.id, 'lab/half-second', null, { timeoutMs: TIMEOUT_MS })),
  )
  await lab.sleep(100)
  await ben.stop()
  const unanswered = (await Promise.all(asks)).filter((code) => code !== undefined)
  lab.check('what was accepted is answered before the end', unanswered.length === 0, unanswered.join(', '))
}

/** As `Life.send`, with a type. */
async function send(lab: Lab, from: Machine, to: Machine, type: string): Promise<Attempt> {
  const { life, host } = from
  const attempt = lab.recorder.attempt({
    kind: 'message',
    from: life?.key ?? '',
    to: to.name,
    at: lab.now(),
    timeoutMs: TIMEOUT_MS,
  })
  const startedAt = host.clock.now()
  const payload = { from: attempt.from, to: to.name, number: attempt.number }
  const sent = peerOf(from)
    .send(to.id, type, payload, { timeoutMs: TIMEOUT_MS })
    .then(({ acknowledged }) => acknowledged)
  const code = await codeOf(sent)
  lab.recorder.settle(
    attempt,
    code === undefined ? 'done' : { rejected: code },
    lab.now(),
    host.clock.now() - startedAt,
  )
  return attempt
}

/** The journal of a disk that fails now and then. What it takes is written down, as every life does. */
function failingJournal(lab: Lab, name: string): (message: ReceivedMessage) => void {
  const random = lab.random.stream('journal')
  return ({ id, from, type, payload }) => {
    if (type === 'lab/taken' && random.chance(0.1)) throw new Error('a disk that fails')
    const text = from.toString()
    const claims = (typeof payload === 'string' ? JSON.parse(payload) : payload) as Attempt & {
      from: string
      to: string
    }
    lab.recorder.stored({
      by: lab.machines.find((machine) => machine.name === name)?.life?.key ?? name,
      at: lab.now(),
      id,
      provedFrom: lab.recorder.history.ids.get(text) ?? text,
      claims: { from: claims.from, to: claims.to, number: claims.number },
    })
  }
}

function peerOf(machine: Machine): NonNullable<Machine['life']>['peer'] {
  if (machine.life === undefined) throw new Error(`${machine.name} does not run`)
  return machine.life.peer
}

/** Undefined: it resolved. */
async function codeOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call
    return undefined
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

/** The clock of a machine's present life, with a count of the timers that are set. */
class CountingClock implements Clock {
  of: Machine | undefined
  readonly #timers = new Set<unknown>()

  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#clock.now()
  }

  unixNow(): number {
    return this.#clock.unixNow()
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer: unknown = this.#clock.setTimeout(() => {
      this.#timers.delete(timer)
      callback()
    }, ms)
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer)
    this.#clock.clearTimeout(timer as never)
  }

  get #clock(): Clock {
    if (this.of === undefined) throw new Error('the clock belongs to no machine yet')
    return this.of.host.clock as Clock
  }
}
