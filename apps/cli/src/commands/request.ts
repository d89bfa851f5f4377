import type { Value } from '@pc/control/client'
import { type Context, DEADLINE_MARGIN_MS, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { CliError } from '../failure.js'
import { Fields } from '../fields.js'
import { readStdin } from '../stdin.js'
import { safeJson } from '../text.js'

export async function request(context: Context, peer: string, name: string, json: string | undefined): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const text = json === '-' ? await readStdin(io) : json
  const payload = text === undefined ? {} : { payload: parse(text) }
  const answer = await withDaemon(context, (client) =>
    client.call(
      'request',
      { peer, name, timeoutMs, ...payload },
      { signal: io.signal, timeoutMs: timeoutMs + DEADLINE_MARGIN_MS },
    ),
  )
  const fields = new Fields(answer)
  if (screen.json) {
    screen.document('pc.reply/1', fields.all)
    return
  }
  screen.line(safeJson(fields.value('reply') ?? null, 2))
}

function parse(text: string): Value {
  try {
    return JSON.parse(text) as Value
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const hint = `a text needs its quotes: '"hello"'`
    throw new CliError('USAGE', `the payload is not JSON: ${why}`, { hint, cause })
  }
}
