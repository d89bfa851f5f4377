import { type Context, DEADLINE_MARGIN_MS, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { CliError } from '../failure.js'
import { Fields } from '../fields.js'
import { readWords } from '../stdin.js'
import { duration } from '../times.js'

export async function send(context: Context, peer: string, words: readonly string[]): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const text = await readWords(io, words)
  if (text === '') throw new CliError('USAGE', 'the text is empty', { hint: 'pc send <peer> <text>, or - for stdin' })
  const answer = await withDaemon(context, (client) =>
    client.call('send', { peer, text, timeoutMs }, { signal: io.signal, timeoutMs: timeoutMs + DEADLINE_MARGIN_MS }),
  )
  const sent = new Fields(answer)
  if (screen.json) {
    screen.document('pc.sent/1', sent.all)
    return
  }
  screen.line(`${sent.fields('peer').text('label')} has it after ${duration(sent.number('acknowledgedMs') ?? 0)}`)
}
