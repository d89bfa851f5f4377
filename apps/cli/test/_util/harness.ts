import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type AnyCommand, type Command, ControlServer } from '@pc/control'
import type { Value } from '@pc/control/client'
import { onTestFinished } from 'vitest'
import type { Io } from '../../src/io.js'
import { run } from '../../src/run.js'

export const NOW = Date.UTC(2026, 0, 31, 12, 0, 0)

/** An empty private folder that goes away with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pc-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A daemon of commands that answer what a test wants. */
export async function fakeDaemon(
  commands: Readonly<Record<string, Command<Record<string, Value>, unknown>['run']>>,
  folder?: string,
): Promise<{ folder: string; server: ControlServer }> {
  const state = folder ?? (await temporaryFolder())
  const list = Object.entries(commands).map(
    ([name, runCommand]): AnyCommand => ({
      name,
      summary: name,
      parse: (args) => args,
      run: runCommand as AnyCommand['run'],
    }),
  )
  const server = await ControlServer.create({ folder: state, version: 'pcd/test', commands: list })
  onTestFinished(() => server.close({ signal: AbortSignal.abort() }))
  return { folder: state, server }
}

export interface RunOptions extends Partial<Omit<Io, 'stdout' | 'stderr' | 'stdin'>> {
  readonly stdin?: string | AsyncIterable<Uint8Array>
  readonly isTTY?: boolean
  /** Called with everything on stdout so far. */
  readonly onStdout?: (text: string) => void
}

export interface Result {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs `pc --state <folder> …argv` inside this process. */
export async function pc(folder: string, argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  let stdout = ''
  let stderr = ''
  const { stdin = '', isTTY = false, onStdout, ...rest } = options
  const io: Io = {
    stdin: typeof stdin === 'string' ? once(stdin) : stdin,
    stdout: {
      isTTY,
      write: (text) => {
        stdout += text
        onStdout?.(stdout)
      },
    },
    stderr: {
      isTTY,
      write: (text) => {
        stderr += text
      },
    },
    env: {},
    platform: 'linux',
    home: folder,
    now: () => NOW,
    signal: new AbortController().signal,
    startDaemon: () => Promise.reject(new Error('this test starts no daemon')),
    ...rest,
  }
  const exitCode = await run(['--state', folder, ...argv], io)
  return { exitCode, stdout, stderr }
}

/** The JSON documents of an output, one a line. */
export function documents(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  if (text !== '') yield new TextEncoder().encode(text)
}
