import { ControlClient, ControlError } from '@pc/control/client'
import { type Context, connectToDaemon, DEFAULT_TIMEOUT_MS } from '../context.js'
import { pause } from '../pause.js'

/** Between two looks whether the socket is gone. */
const POLL_MS = 50

/** A daemon that does not run is what was asked for: that, too, is success. */
export async function down(context: Context): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const deadline = performance.now() + timeoutMs
  const client = await unlessNotRunning(connectToDaemon(context))
  if (client === undefined) {
    screen.say('the daemon is not running')
    if (screen.json) screen.document('pc.down/1', { stopped: false })
    return
  }
  await unlessGone(client.call('down', {}, { signal: io.signal, timeoutMs }))
  await client.close()
  while (await isUp(context)) {
    if (performance.now() > deadline) {
      throw new ControlError('TIMEOUT', `the daemon was asked to stop, and still runs after ${timeoutMs} ms`)
    }
    await pause(POLL_MS, io.signal)
  }
  if (screen.json) return screen.document('pc.down/1', { stopped: true })
  screen.line('stopped')
}

async function isUp({ state, io }: Context): Promise<boolean> {
  try {
    const client = await ControlClient.connect({ folder: state, signal: io.signal })
    await client.close()
    return true
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    return error.code !== 'NOT_RUNNING'
  }
}

async function unlessNotRunning<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof ControlError && error.code === 'NOT_RUNNING') return undefined
    throw error
  }
}

/** It may go faster than its answer. */
async function unlessGone(promise: Promise<unknown>): Promise<void> {
  try {
    await promise
  } catch (error) {
    if (error instanceof ControlError && (error.code === 'CONNECTION_CLOSED' || error.code === 'CANCELLED')) return
    throw error
  }
}
