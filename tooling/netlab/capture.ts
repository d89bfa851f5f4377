/** tcpdump(8) on one interface of a namespace. What it writes is kept in memory; readable while it goes on. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { NetlabError } from './errors.js'
import type { Namespace } from './namespace.js'
import { type Captured, readPcap } from './pcap.js'

export interface CaptureOptions {
  /** What to capture, as pcap-filter(7) has it. @default everything */
  readonly filter?: string
}

/** From spawn to the first packet it may see; far above what it takes. */
const START_LIMIT_MS = 10_000
/** What a scenario of seconds sends is a few MB; one that floods captures a part. */
const MAX_BYTES = 128 * 1_024 * 1_024
/** Of the kernel's ring, in KiB. In immediate mode each packet has a place of the greatest length there, 64 KiB, and a busy machine reads late: room for 2,000. */
const RING_KIB = '131072'

export class Capture {
  readonly #child: ChildProcess
  readonly #over: Promise<unknown>
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #words = ''

  /** Resolves when it sees every packet from now on. @throws NetlabError NOT_RUNNING with what tcpdump said */
  static async start(namespace: Namespace, device: string, { filter }: CaptureOptions = {}): Promise<Capture> {
    const capture = new Capture(namespace, device, filter)
    await capture.#ready()
    return capture
  }

  private constructor(namespace: Namespace, device: string, filter: string | undefined) {
    // Immediately and unbuffered, so that nothing waits in the kernel or in tcpdump when it is asked for.
    const how = ['-i', device, '-n', '-s', '0', '-B', RING_KIB, '--immediate-mode', '-U', '-w', '-']
    const [program = '', ...args] = [...namespace.prefix, 'tcpdump', ...how, ...(filter === undefined ? [] : [filter])]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    this.#over = once(child, 'close').catch(() => {})
    child.stdout.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length
      if (this.#bytes <= MAX_BYTES) this.#chunks.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString()).slice(-4_096)
    })
  }

  /** What was captured until now. @throws NetlabError NOT_RUNNING when it is more than a capture may hold */
  soFar(): Captured {
    if (this.#bytes > MAX_BYTES) {
      throw new NetlabError('NOT_RUNNING', `a capture of more than ${MAX_BYTES} bytes: capture less, or for less long`)
    }
    return readPcap(Buffer.concat(this.#chunks))
  }

  /** All of it. @throws NetlabError NOT_RUNNING when the kernel says that it missed packets, or that tcpdump failed */
  async stop(): Promise<Captured> {
    this.#child.kill('SIGINT')
    await this.#over
    const dropped = /(\d+) packets? dropped by kernel/.exec(this.#words)?.[1]
    if (dropped !== '0') throw new NetlabError('NOT_RUNNING', `the capture is not whole: ${this.#words.trim()}`)
    return this.soFar()
  }

  async #ready(): Promise<void> {
    const stderr = this.#child.stderr
    if (stderr === null) return
    const signal = AbortSignal.timeout(START_LIMIT_MS)
    // It says so when the socket is bound to the interface.
    while (!this.#words.includes('listening on')) {
      const heard = once(stderr, 'data', { signal }).then(
        () => true,
        () => false,
      )
      if (!(await Promise.race([heard, this.#over.then(() => false)]))) {
        this.#child.kill('SIGKILL')
        throw new NetlabError('NOT_RUNNING', `tcpdump did not start: ${this.#words.trim()}`)
      }
    }
  }
}
