/** How long something takes to reach everybody, for whoever carries it. */
import { percentile } from './statistics.js'

/** From one rumor to the next, at least: people are not quicker, and what goes on afterwards is part of the work. */
const PAUSE_MS = 250
/** After it whoever has not got it will not. */
const LIMIT_MS = 3_000

export interface SpreadFigures {
  readonly rumors: number
  readonly reach_all_p50_ms: number
  readonly reach_all_p99_ms: number
  readonly reach: number
}

export class SpreadTimes {
  readonly #count: number
  #current: { readonly number: number; readonly missing: Set<number>; readonly done: () => void } | undefined
  #number = 0

  /** @param count of peers, the publisher among them */
  constructor(count: number) {
    this.#count = count
  }

  /** Peer number `index` got a body that `publish` was given. Another one, of before, is none of this. */
  came(index: number, body: Uint8Array): void {
    const current = this.#current
    if (current === undefined || numberOf(body) !== current.number) return
    if (current.missing.delete(index) && current.missing.size === 0) current.done()
  }

  /** One after the other for about `ms`. @param publish returns the number of the peer that did */
  async measure(ms: number, bytes: number, publish: (body: Uint8Array) => number): Promise<SpreadFigures> {
    const times: number[] = []
    let [rumors, missed] = [0, 0]
    for (const started = performance.now(); performance.now() - started < ms; rumors++) {
      const from = performance.now()
      missed += await this.#once(bytes, publish)
      const took = performance.now() - from
      times.push(took)
      await sleep(PAUSE_MS - took)
    }
    return {
      rumors,
      reach_all_p50_ms: percentile(times, 0.5),
      reach_all_p99_ms: percentile(times, 0.99),
      reach: 1 - missed / (rumors * (this.#count - 1)),
    }
  }

  /** Resolves when all have it, with 0; or after a limit, with how many have not. */
  async #once(bytes: number, publish: (body: Uint8Array) => number): Promise<number> {
    const body = Buffer.alloc(bytes)
    const number = ++this.#number
    body.writeUInt32BE(number)
    const missing = new Set(Array.from({ length: this.#count }, (_, index) => index))
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LIMIT_MS)
      const done = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#current = { number, missing, done }
      missing.delete(publish(body))
      if (missing.size === 0) done()
    })
    this.#current = undefined
    return missing.size
  }
}

function numberOf(body: Uint8Array): number {
  return Buffer.from(body.buffer, body.byteOffset, body.length).readUInt32BE(0)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, Math.max(0, ms)))
}
