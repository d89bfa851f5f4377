import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ChildState, Order } from './listening-child.js'

const PROGRAM = fileURLToPath(new URL('listening-child.ts', import.meta.url))
const NODE = [process.execPath, '--conditions=@pc/source', '--import', 'tsx', PROGRAM]

/** Runs `listening-child.ts`, with at most `descriptors`, and with `socket` of this process as its descriptor 3. */
export class ChildListener {
  readonly #child: ChildProcess

  constructor({ descriptors, socket }: { descriptors?: number; socket?: number } = {}) {
    const limited = descriptors === undefined ? NODE : ['sh', '-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, ...NODE]
    const [command = '', ...args] = limited
    this.#child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', socket ?? 'ignore', 'ipc'] })
  }

  async tell(order: Order): Promise<ChildState> {
    const answer = once(this.#child, 'message')
    this.#child.send(order)
    const [state] = (await answer) as [ChildState]
    return state
  }

  /** How it ended. */
  async close(): Promise<number | null> {
    const exit = once(this.#child, 'exit')
    this.#child.send({ do: 'close' } satisfies Order)
    const [code] = (await exit) as [number | null]
    return code
  }
}
