import { type Context, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { safeText } from '../text.js'
import { timestamp } from '../times.js'

export interface WatchOptions {
  readonly topic?: string
  readonly count?: number
}

export async function watch(context: Context, { topic, count }: WatchOptions): Promise<void> {
  const { screen, io, timeoutMs } = context
  await withDaemon(context, async (client) => {
    const args = topic === undefined ? {} : { topic }
    const deadline = timeoutMs === undefined ? {} : { timeoutMs }
    let shown = 0
    for await (const item of client.stream('watch', args, { signal: io.signal, ...deadline })) {
      show(new Fields(item), context)
      shown += 1
      if (shown === count) return
    }
    screen.say('the daemon ended the stream')
  })
}

function show(news: Fields, { screen, io }: Context): void {
  if (screen.json) {
    screen.document('pc.news/1', news.all)
    return
  }
  // When it was published by our clock: theirs may be wrong.
  const at = timestamp(io.now() - (news.number('ageMs') ?? 0))
  const head = `${screen.paint('dim', at)}  ${screen.paint('bold', news.fields('from').text('label'))}`
  screen.line(`${head}  [${news.text('topic')}]  ${bodyOf(news)}`)
}

function bodyOf(news: Fields): string {
  const text = news.rawText('text')
  return text === undefined ? `(${news.number('bytes') ?? '?'} bytes that are no text)` : safeText(text, '    ')
}
