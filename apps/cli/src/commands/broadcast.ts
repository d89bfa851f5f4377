import type { Value } from '@pc/control/client'
import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { CliError } from '../failure.js'
import { Fields } from '../fields.js'
import { readWords } from '../stdin.js'

export interface BroadcastOptions {
  readonly topic: string
  readonly ttl?: number
}

export async function broadcast(context: Context, words: readonly string[], options: BroadcastOptions): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const text = await readWords(io, words)
  if (text === '') throw new CliError('USAGE', 'the text is empty', { hint: 'pc broadcast <text>, or - for stdin' })
  const args: { [key: string]: Value } = { text, topic: options.topic }
  if (options.ttl !== undefined) args.ttlMs = options.ttl
  const answer = await withDaemon(context, (client) => client.call('broadcast', args, { signal: io.signal, timeoutMs }))
  const fields = new Fields(answer)
  if (screen.json) {
    screen.document('pc.broadcast/1', fields.all)
    return
  }
  const online = fields.number('online') ?? 0
  screen.say(online === 0 ? 'nobody is here: who comes soon gets it' : `on its way to ${others(online)}`)
}

function others(count: number): string {
  return count === 1 ? 'the one other peer' : `all ${count} peers that are here`
}
