import type { Value } from '@pc/control/client'
import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { CliError } from '../failure.js'
import { Fields } from '../fields.js'
import { plural } from '../plural.js'
import { readStdin } from '../stdin.js'

export interface PutOptions {
  readonly plain?: boolean
  readonly parse?: boolean
  readonly expect?: number
}

/** `first` is the name, or with --plain the value. */
export async function put(
  context: Context,
  first: string,
  second: string | undefined,
  options: PutOptions,
): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const text = options.plain === true ? first : second
  if (text === undefined || (options.plain === true && second !== undefined)) {
    const hint = 'pc put <name> <value>, or pc put --plain <value>'
    throw new CliError('USAGE', text === undefined ? 'the value is missing' : 'a plain value has no name', { hint })
  }
  const args: { [key: string]: Value } = { value: await readValue(text, context, options.parse === true) }
  if (options.plain !== true) args.name = first
  if (options.expect !== undefined) args.expected = options.expect
  const answer = await withDaemon(context, (client) => client.call('put', args, { signal: io.signal, timeoutMs }))
  const fields = new Fields(answer)
  if (screen.json) {
    screen.document('pc.put/1', fields.all)
    return
  }
  const sequence = fields.number('sequence')
  const holders = fields.number('holders') ?? 0
  // The key is what a script wants of a plain value, and what nobody could guess.
  if (sequence === undefined) screen.line(fields.text('key'))
  else screen.line(`${fields.text('name')}  #${sequence}`)
  screen.say(`held by ${plural(holders, 'peer')}`)
}

async function readValue(text: string, { io }: Context, parse: boolean): Promise<Value> {
  const given = text === '-' ? (await readStdin(io)).replace(/\r?\n$/, '') : text
  if (!parse) return given
  try {
    return JSON.parse(given) as Value
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CliError('USAGE', `the value is not JSON: ${why}`, { hint: 'without --parse it is a text', cause })
  }
}
