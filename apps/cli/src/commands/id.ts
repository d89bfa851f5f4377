import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'

export async function id(context: Context): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const answer = await withDaemon(context, (client) => client.call('id', {}, { signal: io.signal, timeoutMs }))
  const fields = new Fields(answer)
  if (screen.json) {
    screen.document('pc.id/1', fields.all)
    return
  }
  screen.line(`${fields.text('name')}  ${fields.text('shortId')}`)
  screen.line(fields.text('id'))
}
