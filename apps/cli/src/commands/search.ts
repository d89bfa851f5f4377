import { ControlError, type Value } from '@pc/control/client'
import { type Context, DEADLINE_MARGIN_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { plural } from '../plural.js'

/** Answers come in milliseconds; this is for those that have to be repeated. */
const DEFAULT_DEADLINE_MS = 3_000
/** The daemon searches no longer. */
const MAX_DEADLINE_MS = 30_000

export async function search(
  context: Context,
  words: readonly string[],
  { number }: { number?: number },
): Promise<void> {
  const { screen, io } = context
  const deadlineMs = Math.min(context.timeoutMs ?? DEFAULT_DEADLINE_MS, MAX_DEADLINE_MS)
  const text = words.join(' ')
  let found = 0
  const progress = screen.progress(() => `asking the network, ${found} found`)
  try {
    await withDaemon(context, async (client) => {
      const args: { [key: string]: Value } = { text, deadlineMs }
      if (number !== undefined) args.limit = number
      const options = { signal: io.signal, timeoutMs: deadlineMs + DEADLINE_MARGIN_MS }
      for await (const match of client.stream('search', args, options)) {
        show(new Fields(match), context)
        found += 1
      }
    })
  } finally {
    progress.end()
  }
  if (found === 0) throw new ControlError('PEER_NOT_FOUND', `nobody answered to ${JSON.stringify(text)}`)
  screen.say(plural(found, 'peer'))
}

/** A line at a time, since nobody knows yet how wide the next is. */
function show(match: Fields, { screen }: Context): void {
  if (screen.json) {
    screen.document('pc.match/1', match.all)
    return
  }
  const [address = '-'] = match.texts('addresses')
  const capabilities = match.fields('matched').texts('capabilities').join(' ')
  const parts = [screen.paint('bold', match.text('label')), match.text('shortId'), address, capabilities]
  screen.line(parts.filter((part) => part !== '').join('  '))
}
