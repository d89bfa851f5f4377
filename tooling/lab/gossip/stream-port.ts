/**
 * Reliable asking of one peer by another, as connections give it above: one question at a time on a simulated stream, which waits for the next
 * one afterwards. What a lost segment costs is the network's to say.
 */
import type { Duplex } from 'node:stream'
import type { PeerId } from '@pc/identity'
import type { SimulatedHost, SimulatedListener } from '@pc/testkit'
import type { Address } from '@pc/transport'

const HEAD_BYTES = 5
/** Until a question is given up. */
const ANSWER_MS = 10_000
/** Streams of one peer that wait for the next question; beyond it the one that waited longest ends. */
const MAX_IDLE = 32

/** What is asked for: an exchange, or a body. */
export type Question = 'exchange' | 'fetch'

/** What is answered; undefined: nothing, and the other side rejects. */
export type Answering = (question: Question, bytes: Uint8Array, from: PeerId) => Uint8Array | undefined

const [EXCHANGE, FETCH] = [0, 1]
const [ANSWER, NOTHING] = [0, 1]

export class StreamPort {
  readonly #host: SimulatedHost<PeerId>
  readonly #address: Address
  readonly #answer: Answering
  readonly #streams = new Set<Duplex>()
  /** By peer and text of its id, the one that waits longest first. */
  readonly #idle = new Map<Duplex, string>()
  #listener: SimulatedListener | undefined

  constructor(host: SimulatedHost<PeerId>, address: Address, answer: Answering) {
    this.#host = host
    this.#address = address
    this.#answer = answer
  }

  async open(): Promise<void> {
    this.#listener = await this.#host.listen(this.#address, ({ duplex, remoteId }) => {
      this.#keep(duplex)
      readFrames(duplex, (kind, bytes) => {
        const answer = this.#answer(kind === FETCH ? 'fetch' : 'exchange', bytes, remoteId)
        duplex.write(answer === undefined ? frame(NOTHING, NO_BYTES) : frame(ANSWER, answer))
      })
    })
  }

  /** Rejects when there is no answer: the peer is not there, has none, or takes longer than 10 s. */
  async ask(
    question: Question,
    to: { readonly id: PeerId; readonly address: Address },
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const key = to.id.toString()
    const duplex = this.#takeIdle(key) ?? (await this.#dial(to, signal))
    try {
      const answer = await this.#roundTrip(duplex, frame(question === 'fetch' ? FETCH : EXCHANGE, bytes), signal)
      this.#putIdle(duplex, key)
      return answer
    } catch (error) {
      duplex.destroy()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#listener?.close()
    for (const duplex of this.#streams) duplex.destroy()
  }

  async #dial({ id, address }: { id: PeerId; address: Address }, signal: AbortSignal): Promise<Duplex> {
    const { duplex } = await this.#host.connect(address, { expect: id, signal })
    this.#keep(duplex)
    readFrames(duplex, (kind, bytes) => duplex.emit('answer', kind, bytes))
    return duplex
  }

  #roundTrip(duplex: Duplex, question: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { clock } = this.#host
    return new Promise((resolve, reject) => {
      const settle = (done: () => void): void => {
        clock.clearTimeout(timer)
        duplex.off('answer', onAnswer).off('close', onClose)
        signal.removeEventListener('abort', onAbort)
        done()
      }
      const onAnswer = (kind: number, bytes: Uint8Array): void =>
        settle(() => (kind === ANSWER ? resolve(bytes) : reject(new Error('the peer has no answer'))))
      const onClose = (): void => settle(() => reject(new Error('the stream ended')))
      const onAbort = (): void => settle(() => reject(signal.reason))
      const timer = clock.setTimeout(() => settle(() => reject(new Error('no answer in time'))), ANSWER_MS)
      duplex.once('answer', onAnswer).once('close', onClose)
      signal.addEventListener('abort', onAbort, { once: true })
      duplex.write(question)
    })
  }

  #keep(duplex: Duplex): void {
    this.#streams.add(duplex)
    duplex.on('error', () => duplex.destroy())
    duplex.on('end', () => duplex.destroy())
    duplex.on('close', () => {
      this.#streams.delete(duplex)
      this.#idle.delete(duplex)
    })
  }

  #takeIdle(key: string): Duplex | undefined {
    for (const [duplex, of] of this.#idle) {
      if (of !== key) continue
      this.#idle.delete(duplex)
      return duplex
    }
    return undefined
  }

  #putIdle(duplex: Duplex, key: string): void {
    if (duplex.destroyed) return
    this.#idle.set(duplex, key)
    const [oldest] = this.#idle.keys()
    if (this.#idle.size > MAX_IDLE) oldest?.destroy()
  }
}

const NO_BYTES = new Uint8Array(0)

function frame(kind: number, bytes: Uint8Array): Uint8Array {
  const packed = Buffer.alloc(HEAD_BYTES + bytes.length)
  packed[0] = kind
  packed.writeUInt32BE(bytes.length, 1)
  packed.set(bytes, HEAD_BYTES)
  return packed
}

function readFrames(duplex: Duplex, onFrame: (kind: number, bytes: Uint8Array) => void): void {
  let kept = Buffer.alloc(0)
  duplex.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk])
    while (kept.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + kept.readUInt32BE(1)
      if (kept.length < end) return
      const bytes = kept.subarray(HEAD_BYTES, end)
      const kind = kept[0] as number
      kept = kept.subarray(end)
      onFrame(kind, bytes)
    }
  })
}
