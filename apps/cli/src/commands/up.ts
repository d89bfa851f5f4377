import { ControlClient, ControlError } from '@pc/control/client'
import type { Context } from '../context.js'
import { CliError } from '../failure.js'
import { Fields } from '../fields.js'
import { pause } from '../pause.js'
import type { StartedDaemon } from '../start-daemon.js'
import { safeText } from '../text.js'
import { VERSION } from '../version.js'

export interface UpOptions {
  readonly name?: string
  readonly network?: string
  readonly interfaces?: string
  readonly capabilities?: string
  readonly foreground?: boolean
}

/** A daemon starts in well under a second; slow disks and busy machines get the rest. */
const READY_MS = 15_000

/** Between two attempts to reach a daemon that is starting. */
const POLL_MS = 50

const TAIL_LINES = 20

type Exit = Awaited<StartedDaemon['exited']>

/** A daemon that runs already is what was asked for: that, too, is success. */
export async function up(context: Context, options: UpOptions): Promise<void> {
  const { screen, io, state } = context
  const running = await statusIfUp(context)
  if (running !== undefined) {
    screen.say('the daemon is already running')
    return show(running, context, { started: false })
  }
  const daemon = await io.startDaemon({
    state,
    args: daemonArguments(state, options),
    foreground: options.foreground === true,
  })
  try {
    if (options.foreground === true) return await stay(daemon, context)
    const status = await ready(daemon, context)
    show(status, context, { started: status.number('pid') === daemon.pid, log: daemon.logPath })
  } finally {
    daemon.release()
  }
}

function daemonArguments(state: string, options: UpOptions): string[] {
  const args = ['--state', state]
  if (options.name !== undefined) args.push('--name', options.name)
  if (options.network !== undefined) args.push('--network', options.network)
  if (options.interfaces !== undefined) args.push('--interfaces', options.interfaces)
  if (options.capabilities !== undefined) args.push('--capabilities', options.capabilities)
  return args
}

/** Waits until the daemon answers. One that gives up because another `pc up` was faster is no failure. */
async function ready(daemon: StartedDaemon, context: Context): Promise<Fields> {
  const { screen, io, timeoutMs = READY_MS } = context
  const begun = performance.now()
  let gone: Exit | undefined
  void daemon.exited.then((exit) => {
    gone = exit
  })
  const progress = screen.progress('starting the daemon')
  try {
    for (;;) {
      // Looked at before the attempt: what answers after the exit is another daemon, and as good.
      const exit = gone
      const status = await statusIfUp(context)
      if (status !== undefined) return status
      if (exit !== undefined) throw await startFailed(daemon, exit)
      if (performance.now() - begun > timeoutMs) {
        const text = `the daemon does not answer ${timeoutMs} ms after its start; its log is ${daemon.logPath}`
        throw new ControlError('TIMEOUT', text)
      }
      await pause(POLL_MS, io.signal)
    }
  } finally {
    progress.end()
  }
}

/** In this terminal: our part is to end when the daemon ends. Ctrl-C reaches it by itself. */
async function stay(daemon: StartedDaemon, { io }: Context): Promise<void> {
  const onAbort = (): void => {
    if (io.signal.reason?.cause === 'SIGTERM') daemon.kill('SIGTERM')
  }
  io.signal.addEventListener('abort', onAbort, { once: true })
  const exit = await daemon.exited
  io.signal.removeEventListener('abort', onAbort)
  if (exit.code === 0 || io.signal.aborted) return
  throw new CliError('START_FAILED', `the daemon ended with ${exitText(exit)}`)
}

async function startFailed(daemon: StartedDaemon, exit: Exit): Promise<CliError> {
  const tail = await daemon.logTail(TAIL_LINES)
  const said = tail.some((line) => line.trim() !== '') ? `; it said:\n${tail.join('\n')}` : ''
  return new CliError('START_FAILED', `the daemon did not start (${exitText(exit)})${said}`, {
    hint: `its log is ${daemon.logPath}`,
    cause: exit.error,
  })
}

function exitText({ code, signal, error }: Exit): string {
  if (error !== undefined) return error.message
  return signal === null ? `exit code ${code}` : `signal ${signal}`
}

/** No socket, or a daemon on its way out. */
const NOT_UP: readonly string[] = ['NOT_RUNNING', 'CONNECTION_CLOSED', 'CANCELLED']

async function statusIfUp({ state, io, timeoutMs = READY_MS }: Context): Promise<Fields | undefined> {
  try {
    const client = await ControlClient.connect({ folder: state, client: `pc/${VERSION}`, timeoutMs, signal: io.signal })
    try {
      return new Fields(await client.call('status', {}, { signal: io.signal, timeoutMs }))
    } finally {
      await client.close()
    }
  } catch (error) {
    if (error instanceof ControlError && NOT_UP.includes(error.code)) return undefined
    throw error
  }
}

function show(status: Fields, { screen, state }: Context, facts: { started: boolean; log?: string }): void {
  const { all } = status
  if (screen.json) {
    screen.document('pc.up/1', { ...facts, state, status: all })
    return
  }
  screen.line(`name       ${screen.paint('bold', status.text('name'))}`)
  screen.line(`id         ${status.text('shortId')}  (${status.text('id')})`)
  screen.line(`addresses  ${status.texts('addresses').join('  ') || 'none'}`)
  if (facts.log !== undefined) screen.line(`log        ${safeText(facts.log, '')}`)
}
