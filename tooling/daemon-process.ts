/** One real daemon as its own process, with a control client; for the demo and the network lab. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ControlClient } from '@pc/control'
import type { Value } from '@pc/wire'
import { fromSource } from './steps.js'

/** From spawn to an answered status; far above what it takes, so that only a daemon that hangs is cut. */
const START_LIMIT_MS = 20_000
const POLL_MS = 20
/** A daemon cuts itself after 8 s; one that is still there then is killed. */
const STOP_LIMIT_MS = 10_000

export interface DaemonOptions {
  readonly name: string
  readonly network: string
  /** As in PC_INTERFACES. */
  readonly interfaces: string
  /** Parent of the daemon's own state folder. */
  readonly folder: string
  /** Put before the command line, such as `ip netns exec …`. */
  readonly prefix?: readonly string[]
  /** Command line of the daemon without its settings. @default the daemon of this repository from source */
  readonly program?: readonly string[]
  /** Further settings, as environment variables. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Status {
  readonly id: string
  readonly listeningAt: number
  readonly addresses: readonly string[]
}

export interface SeenPeer {
  readonly id: string
  readonly name: string
  readonly state: 'online' | 'checking' | 'offline'
  /** Unix ms of the last change of state. */
  readonly since: number
}

export class DaemonProcess {
  readonly name: string
  readonly journal: string
  readonly #options: DaemonOptions
  readonly #state: string
  #child: ChildProcess | undefined
  #client: ControlClient | undefined
  #output = ''

  constructor(options: DaemonOptions) {
    this.#options = options
    this.name = options.name
    this.#state = join(options.folder, options.name)
    this.journal = join(options.folder, `${options.name}.ledger.ndjson`)
    mkdirSync(this.#state, { recursive: true, mode: 0o700 })
  }

  /** Starts the process and resolves when the daemon answers. */
  async start(): Promise<Status> {
    const { name, network, interfaces, prefix = [], env = {} } = this.#options
    const { program = fromSource('apps/daemon/src/main.ts') } = this.#options
    const settings = ['--name', name, '--network', network, '--state', this.#state, '--journal', this.journal]
    const [command = '', ...args] = [...prefix, ...program, ...settings, '--log', 'warn']
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, PC_INTERFACES: interfaces },
    })
    this.#child = child
    this.#output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString()).slice(-8_192)
      })
    }
    this.#client = await this.#connect(child)
    return this.status()
  }

  async status(): Promise<Status> {
    return (await this.call('status')) as unknown as Status
  }

  async peers(): Promise<SeenPeer[]> {
    try {
      const { peers } = (await this.call('peers')) as unknown as { peers: SeenPeer[] }
      return peers
    } catch (error) {
      // Nobody asked it to end: its last words say more than a closed connection.
      throw new Error(`${this.name} does not answer; it said:\n${this.#output}`, { cause: error })
    }
  }

  async call(command: string, args: Value = {}): Promise<Value> {
    if (this.#client === undefined) throw new Error(`${this.name} is not running`)
    return this.#client.call(command, args)
  }

  stream(command: string, args: Value = {}): AsyncIterableIterator<Value> {
    if (this.#client === undefined) throw new Error(`${this.name} is not running`)
    return this.#client.stream(command, args)
  }

  /** Waits until the daemon sees `other` in `state`, and returns since when (Unix ms). */
  async sees(other: { readonly name: string }, state: SeenPeer['state'], limitMs: number): Promise<number> {
    const deadline = performance.now() + limitMs
    for (;;) {
      const seen = (await this.peers()).find((peer) => peer.name === other.name && peer.state === state)
      if (seen !== undefined) return seen.since
      if (performance.now() > deadline) {
        throw new Error(
          `${this.name} did not see ${other.name} ${state} within ${limitMs} ms; ${this.name} said:\n${this.#output}`,
        )
      }
      await delay(POLL_MS)
    }
  }

  /** As `kill -STOP`: the process does nothing, its kernel goes on taking what comes. Calls to it wait. */
  pause(): void {
    this.#child?.kill('SIGSTOP')
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
  }

  /** Power cut: no goodbye. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    if (!hasEnded(child)) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    await this.#client?.close()
    this.#child = undefined
    this.#client = undefined
  }

  /** Polite stop, and not so polite in the end; resolves with the exit code when the process is gone. */
  async stop(): Promise<number | null> {
    const child = this.#child
    if (child === undefined) return null
    if (!hasEnded(child)) {
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      // One that is paused would not hear it.
      child.kill('SIGCONT')
      const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
      await this.#client?.close()
      await gone
      clearTimeout(limit)
    }
    await this.#client?.close()
    this.#child = undefined
    this.#client = undefined
    return child.exitCode
  }

  async #connect(child: ChildProcess): Promise<ControlClient> {
    const deadline = performance.now() + START_LIMIT_MS
    for (;;) {
      try {
        return await ControlClient.connect({ folder: this.#state })
      } catch (error) {
        if (hasEnded(child))
          throw new Error(`${this.name} ended with ${child.exitCode ?? child.signalCode}:\n${this.#output}`, {
            cause: error,
          })
        if (performance.now() > deadline)
          throw new Error(`${this.name} did not start:\n${this.#output}`, { cause: error })
        await delay(POLL_MS)
      }
    }
  }
}

/** A process that a signal ended has no exit code. */
function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
