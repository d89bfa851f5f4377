import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { safeJson, safeText } from '../text.js'
import { timestamp } from '../times.js'

export async function inbox(context: Context, options: { follow?: boolean; number: number }): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  await withDaemon(context, async (client) => {
    const args = { limit: Math.max(1, options.number) }
    const latest = new Fields(await client.call('inbox', args, { signal: io.signal, timeoutMs })).list('messages')
    const shown = options.number === 0 ? [] : latest
    if (options.follow !== true) {
      showAll(shown, context)
      return
    }
    for (const message of shown) show(message, context)
    const last = latest.at(-1)?.number('sequence')
    const after = last === undefined ? {} : { after: last }
    for await (const item of client.stream('inbox.follow', after, { signal: io.signal }))
      show(new Fields(item), context)
    screen.say('the daemon ended the stream')
  })
}

function showAll(messages: readonly Fields[], context: Context): void {
  const { screen } = context
  if (screen.json) {
    screen.document('pc.inbox/1', { messages: messages.map((message) => message.all) })
    return
  }
  if (messages.length === 0) {
    screen.say('no messages')
    return
  }
  for (const message of messages) show(message, context)
}

function show(message: Fields, { screen }: Context): void {
  if (screen.json) {
    screen.document('pc.message/1', message.all)
    return
  }
  const from = message.fields('from').text('label') + (message.flag('verified') ? '' : ' ?')
  const head = `${screen.paint('dim', timestamp(message.number('receivedAt') ?? Number.NaN))}  ${screen.paint('bold', from)}`
  screen.line(`${head}  ${bodyOf(message)}`)
}

function bodyOf(message: Fields): string {
  const text = message.rawText('text')
  if (text !== undefined) return safeText(text, '    ')
  return `${message.text('type')} ${safeJson(message.value('payload') ?? null)}`
}
