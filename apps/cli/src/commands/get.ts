import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { CliError } from '../failure.js'
import { Fields } from '../fields.js'
import { safeJson, safeText } from '../text.js'

export async function get(
  context: Context,
  name: string | undefined,
  { from, key }: { from?: string; key?: string },
): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  if ((name === undefined) === (key === undefined) || (key !== undefined && from !== undefined)) {
    throw new CliError('USAGE', 'expected either a name or a key', {
      hint: 'pc get <name> [--from <peer>], or pc get --key <key>',
    })
  }
  const args = key === undefined ? { name: name ?? null, ...(from === undefined ? {} : { from }) } : { key }
  const answer = await withDaemon(context, (client) => client.call('get', args, { signal: io.signal, timeoutMs }))
  const fields = new Fields(answer)
  if (screen.json) {
    screen.document('pc.value/1', fields.all)
    return
  }
  const text = fields.rawText('value')
  screen.line(text === undefined ? safeJson(fields.value('value') ?? null, 2) : safeText(text, ''))
}
