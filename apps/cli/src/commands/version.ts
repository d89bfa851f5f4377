import { ControlError } from '@pc/control/client'
import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { VERSION } from '../version.js'

/** Without a daemon it still tells its own version, and succeeds. */
export async function version(context: Context): Promise<void> {
  const { screen } = context
  const daemon = await daemonVersion(context)
  if (screen.json) {
    screen.document('pc.version/1', { pc: VERSION, daemon: daemon?.all ?? null })
    return
  }
  screen.line(`pc      ${VERSION}`)
  if (daemon === undefined) {
    screen.say('daemon  not running')
    return
  }
  screen.line(`daemon  ${daemon.text('version')}  (protocol ${daemon.number('protocol') ?? '?'})`)
}

async function daemonVersion(context: Context): Promise<Fields | undefined> {
  const { io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  try {
    return await withDaemon(context, async (client) => {
      return new Fields(await client.call('version', {}, { signal: io.signal, timeoutMs }))
    })
  } catch (error) {
    if (error instanceof ControlError && error.code === 'NOT_RUNNING') return undefined
    throw error
  }
}
