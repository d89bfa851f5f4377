import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { showRecords } from '../records.js'

export async function find(context: Context, text: string): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const progress = screen.progress(`looking for ${text}`)
  let answer: unknown
  try {
    answer = await withDaemon(context, (client) => client.call('find', { text }, { signal: io.signal, timeoutMs }))
  } finally {
    progress.end()
  }
  const fields = new Fields(answer)
  if (screen.json) screen.document('pc.found/1', fields.all)
  else showRecords(fields.list('peers'), context)
}
