import { type ChildProcess, spawn } from 'node:child_process'
import { open, rename, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { privateFolder } from '@pc/control'

export interface StartOptions {
  readonly state: string
  /** Arguments of the daemon. */
  readonly args: readonly string[]
  /** true: in this terminal, ends with it. false: on its own, writing to `<state>/daemon.log`. */
  readonly foreground: boolean
}

/** A daemon process that was just started. */
export interface StartedDaemon {
  readonly pid: number | undefined
  readonly logPath: string
  /** Settles when the process is gone, or could not be started (then `error` says why). */
  readonly exited: Promise<{ code: number | null; signal: string | null; error?: Error }>
  /** What this start wrote to the log, at most the last `lines` lines. */
  logTail(lines: number): Promise<string[]>
  kill(signal: 'SIGINT' | 'SIGTERM'): void
  /** Lets this program end before the daemon does. */
  release(): void
}

export type StartDaemon = (options: StartOptions) => Promise<StartedDaemon>

/** A log of an earlier start that is larger is moved to daemon.log.1 first. */
const MAX_LOG_BYTES = 5 * 1024 * 1024

/** Read from the end of the log when the daemon died early. */
const TAIL_BYTES = 16_384

/** Runs `@pc/daemon` with the Node and the Node options this program runs with: from source and from dist alike. */
export const startDaemonProcess: StartDaemon = async ({ state, args, foreground }) => {
  const main = fileURLToPath(import.meta.resolve('@pc/daemon/main'))
  const command = [...process.execArgv, main, ...args]
  await privateFolder(state)
  const logPath = path.join(state, 'daemon.log')
  if (foreground) return started(spawn(process.execPath, command, { stdio: 'inherit' }), logPath, 0)
  await rotate(logPath)
  const log = await open(logPath, 'a', 0o600)
  try {
    const start = (await log.stat()).size
    const child = spawn(process.execPath, command, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
    })
    return started(child, logPath, start)
  } finally {
    await log.close()
  }
}

function started(child: ChildProcess, logPath: string, logStart: number): StartedDaemon {
  return {
    pid: child.pid,
    logPath,
    exited: new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: null, signal: null, error }))
      child.once('exit', (code, signal) => resolve({ code, signal }))
    }),
    logTail: (lines) => readTail(logPath, logStart, lines),
    kill: (signal) => void child.kill(signal),
    release: () => child.unref(),
  }
}

async function rotate(logPath: string): Promise<void> {
  const found = await stat(logPath).catch(() => undefined) // no log yet
  if (found !== undefined && found.size > MAX_LOG_BYTES) await rename(logPath, `${logPath}.1`)
}

async function readTail(logPath: string, logStart: number, lines: number): Promise<string[]> {
  const log = await open(logPath, 'r')
  try {
    const { size } = await log.stat()
    const from = Math.max(logStart, size - TAIL_BYTES)
    const buffer = Buffer.alloc(Math.max(0, size - from))
    const { bytesRead } = await log.read(buffer, 0, buffer.length, from)
    return buffer.toString('utf8', 0, bytesRead).trimEnd().split('\n').slice(-lines)
  } finally {
    await log.close()
  }
}
