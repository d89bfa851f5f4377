import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { plural } from '../plural.js'
import { duration } from '../times.js'

/** Columns of the time line. */
const LINE = 24

/** A lookup, for people: whom it asked when, how long each took, and how it came nearer to its target. */
export async function dhtTrace(context: Context, target: string): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const steps: Fields[] = []
  let result: Fields | undefined
  await withDaemon(context, async (client) => {
    for await (const item of client.stream('dht.trace', { target }, { signal: io.signal, timeoutMs })) {
      const fields = new Fields(item)
      if (screen.json) screen.document('pc.trace/1', fields.all)
      if (fields.text('type') === 'result') result = fields
      else steps.push(fields)
    }
  })
  if (screen.json || result === undefined) return
  const end = Math.max(0.001, ...steps.map((step) => (step.number('askedAtMs') ?? 0) + (step.number('tookMs') ?? 0)))
  steps.sort((a, b) => (a.number('askedAtMs') ?? 0) - (b.number('askedAtMs') ?? 0))
  const rows = steps.map((step, index) => rowOf(step, index + 1, end, context))
  screen.table(['#', 'PEER', 'WHEN', 'TOOK', 'NEAR', 'ANSWER'], rows)
  screen.say(summary(result))
}

function rowOf(step: Fields, number: number, end: number, { screen }: Context) {
  const [asked = 0, took = 0] = [step.number('askedAtMs'), step.number('tookMs')]
  const named = step.number('named')
  const failed = named === undefined
  const from = Math.min(LINE - 1, Math.floor((asked / end) * LINE))
  const length = Math.max(1, Math.min(LINE - from, Math.round((took / end) * LINE)))
  const bar = ' '.repeat(from) + (failed ? '×' : '█').repeat(length) + ' '.repeat(LINE - from - length)
  const answer = failed ? 'none' : plural(named, 'peer')
  return [
    String(number),
    step.text('label') || step.text('shortId'),
    { text: bar, paint: screen.painter(failed ? 'red' : 'green') },
    duration(took),
    plural(step.number('sharedBits') ?? 0, 'bit'),
    { text: answer, paint: failed ? screen.painter('red') : undefined },
  ]
}

function summary(result: Fields): string {
  const count = (name: string): number => result.number(name) ?? 0
  const [asked, answered, failed, slow] = ['asked', 'answered', 'failed', 'slow'].map(count)
  const hops = count('hops')
  const nearest = result.list('nearest')[0]
  const who = nearest === undefined ? '' : `; nearest: ${nearest.text('label') || nearest.text('shortId')}`
  return (
    `${duration(count('tookMs'))}, ${plural(hops, 'hop')}: ${asked} asked, ${answered} answered, ` +
    `${failed} failed, ${slow} slow${who}`
  )
}
