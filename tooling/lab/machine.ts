/** A simulated machine with its key and its clock; its peers live and die on it one after the other. */
import type { Identity, PeerId } from '@pc/identity'
import type { PeerOptions } from '@pc/peer'
import { createTestLogger, type SeededRandom, type SimulatedHost, type SimulatedNetwork } from '@pc/testkit'
import { Life, type Target } from './life.js'
import type { Recorder } from './recorder.js'

export interface MachineParts {
  readonly name: string
  readonly identity: Identity
  readonly host: SimulatedHost<PeerId>
  readonly network: SimulatedNetwork<PeerId>
  readonly random: SeededRandom
  readonly recorder: Recorder
  readonly now: () => number
  readonly note: (text: string) => void
  readonly options: Partial<PeerOptions>
}

/** `off`: no process runs. The others are faults of a running one. */
export type MachineState = 'off' | 'running' | 'paused' | 'asleep'

export class Machine implements Target {
  readonly #parts: MachineParts
  #host: SimulatedHost<PeerId>
  #state: MachineState = 'off'
  #life: Life | undefined
  #lives = 0
  #stalledAt = 0
  /** The machine has lost power or its process: the host must be restarted before the next life. */
  #down = false

  constructor(parts: MachineParts) {
    this.#parts = parts
    this.#host = parts.host
  }

  get name(): string {
    return this.#parts.name
  }

  get id(): PeerId {
    return this.#parts.identity.id
  }

  /** Of the present life; a restart gives a new one. */
  get host(): SimulatedHost<PeerId> {
    return this.#host
  }

  get state(): MachineState {
    return this.#state
  }

  /** The process that runs or is starting. */
  get life(): Life | undefined {
    return this.#life
  }

  /** The life that can be asked things now. */
  get ready(): Life | undefined {
    return this.#state === 'running' && this.#life?.running ? this.#life : undefined
  }

  /** Starts a peer with this machine's key. Resolves when it runs; never, if the machine goes down before. */
  async start(): Promise<Life> {
    if (this.#state !== 'off')
      throw new Error(`${this.name} is ${this.#state}: only a machine that is off can be started`)
    const { network, name, identity, random, recorder, now, note, options } = this.#parts
    if (this.#down) this.#host = network.restart(this.#host)
    this.#down = false
    this.#state = 'running'
    this.#lives += 1
    const key = `${name}#${this.#lives}`
    note(`${key} starts`)
    const parts = {
      key,
      machine: name,
      identity,
      host: this.#host,
      random: random.stream(key),
      recorder,
      logger: createTestLogger(),
      now,
      options,
    }
    return Life.start(parts, (life) => {
      this.#life = life
    })
  }

  /** Closes politely; the machine is off when it resolves. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#parts.note(`${life.key} closes`)
    life.markOver()
    await life.peer.close()
    if (this.#life !== life) return
    this.#life = undefined
    this.#state = 'off'
  }

  /** The process dies; other machines are told by resets. */
  crash(): void {
    this.#end('crashes', (host) => this.#parts.network.crash(host))
  }

  /** The machine dies; nobody is told. */
  powerOff(): void {
    this.#end('loses power', (host) => this.#parts.network.powerOff(host))
  }

  pause(): void {
    this.#stall('paused', (host) => this.#parts.network.pause(host))
  }

  resume(): void {
    this.#unstall('paused', (host) => this.#parts.network.resume(host))
  }

  sleep(): void {
    this.#stall('asleep', (host) => this.#parts.network.sleep(host))
  }

  wake(): void {
    this.#unstall('asleep', (host) => this.#parts.network.wake(host))
  }

  #end(how: string, act: (host: SimulatedHost<PeerId>) => void): void {
    const life = this.#life
    if (life === undefined || this.#state === 'off') return
    if (this.#state === 'paused') this.resume()
    if (this.#state === 'asleep') this.wake()
    this.#parts.note(`${life.key} ${how}`)
    life.markOver()
    this.#parts.recorder.cutOff(life.key)
    act(this.#host)
    this.#down = true
    this.#life = undefined
    this.#state = 'off'
  }

  #stall(state: 'paused' | 'asleep', act: (host: SimulatedHost<PeerId>) => void): void {
    if (this.#state !== 'running') return
    this.#parts.note(`${this.#life?.key ?? this.name} is ${state}`)
    this.#state = state
    this.#stalledAt = this.#parts.now()
    act(this.#host)
  }

  #unstall(state: 'paused' | 'asleep', act: (host: SimulatedHost<PeerId>) => void): void {
    if (this.#state !== state) return
    const ms = this.#parts.now() - this.#stalledAt
    this.#parts.note(`${this.#life?.key ?? this.name} runs again after ${Math.round(ms)} ms ${state}`)
    if (this.#life !== undefined) this.#parts.recorder.stalled(this.#life.key, ms)
    this.#state = 'running'
    act(this.#host)
  }
}
