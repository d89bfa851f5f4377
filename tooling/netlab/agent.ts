/** A small program on a host, called like an object. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../steps.js'
import { NetlabError } from './errors.js'
import type { Host } from './host.js'
import type { Answer, Call, Handlers } from './programs/serve.js'

/** From spawn to ready; far above what it takes. */
const START_LIMIT_MS = 15_000

interface Pending {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

export class Agent<H extends Handlers> {
  readonly #what: string
  readonly #child: ChildProcess
  readonly #pending = new Map<number, Pending>()
  readonly #over: Promise<void>
  #calls = 0
  #words = ''

  /**
   * Runs `programs/<program>.ts` on the host. Without the condition for sources: whatever it imports of ours is the built package.
   * Resolves when it is ready.
   */
  static async start<H extends Handlers>(host: Host, program: string): Promise<Agent<H>> {
    const agent = new Agent<H>(host, program)
    await agent.#ready()
    return agent
  }

  private constructor(host: Host, program: string) {
    this.#what = `${program} on ${host.name}`
    const tsx = pathToFileURL(join(ROOT, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href
    const file = join(ROOT, 'tooling/netlab/programs', `${program}.ts`)
    const [command = '', ...args] = [...host.prefix, process.execPath, '--import', tsx, file]
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#words = (this.#words + chunk.toString()).slice(-4_096)
      })
    }
    child.on('message', (message: Answer | 'ready') => this.#onMessage(message))
    // Also when there is no such program: 'exit' does not come then.
    child.on('error', (error) => this.#giveUp(error.message))
    this.#over = new Promise((resolve) => {
      child.once('close', () => {
        this.#giveUp('it has ended')
        resolve()
      })
    })
  }

  /** Undefined when it never started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Rejects with what the program threw, and with NOT_RUNNING when it ends before it has answered. */
  call<K extends keyof H & string>(name: K, ...args: Parameters<H[K]>): Promise<Awaited<ReturnType<H[K]>>> {
    const call: Call = { call: ++this.#calls, name, args: args[0] }
    return new Promise((resolve, reject) => {
      this.#pending.set(call.call, { resolve, reject })
      this.#child.send(call, (error) => {
        if (error !== null) this.#settle({ call: call.call, error: error.message })
      })
    })
  }

  /** As `kill -STOP`: time goes on, the kernel still takes what comes. */
  pause(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** No goodbye. Resolves when it is gone; idempotent. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#over
  }

  async #ready(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        this.#pending.set(0, { resolve: () => resolve(), reject })
        timer = setTimeout(() => reject(new NetlabError('NOT_RUNNING', `${this.#what} did not start`)), START_LIMIT_MS)
      })
    } finally {
      clearTimeout(timer)
    }
  }

  #onMessage(message: Answer | 'ready'): void {
    this.#settle(message === 'ready' ? { call: 0, value: undefined } : message)
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.call)
    this.#pending.delete(answer.call)
    if ('error' in answer) pending?.reject(new NetlabError('NOT_RUNNING', `${this.#what}: ${answer.error}`))
    else pending?.resolve(answer.value as never)
  }

  #giveUp(why: string): void {
    const error = new NetlabError('NOT_RUNNING', `${this.#what}: ${why}\n${this.#words}`.trim())
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }
}
