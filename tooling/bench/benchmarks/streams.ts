/**
 * `bench streams`: whole envelopes over the connections of @pc/transport. Small messages use the control connection, bulk ones
 * a bulk connection; both ids are proved by TLS, and every envelope is encoded, checked and decoded.
 */
import type { Connection } from '@pc/transport'
import { type Message, recycle, type Value } from '@pc/wire'
import type { Benchmark } from '../benchmark.js'
import { meet, startPeer } from '../peer-on-loopback.js'
import type { Far, Near } from '../side.js'
import { percentile } from '../statistics.js'

const IN_FLIGHT = 64
/** More than can be on the way, pings of the connection included: an id stands at its own place. */
const OPEN_IDS = 4 * IN_FLIGHT
/** Sends between two looks at the clock. */
const BATCH = 256
const SMALL = new Uint8Array(100).fill(7)
const CHUNK = new Uint8Array(65_536).fill(7)

export const streams: Benchmark = {
  name: 'streams',
  summary: 'messages, requests and bulk over proved connections, against batched node:tls',
  placement: 'both ends in processes of their own',
  builds: ['packages/transport'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/tls.ts', import.meta.url).href },
  figures: [
    {
      name: 'oneway_100b',
      unit: 'per_s',
      text: '100-byte messages one way',
      quotedRaw: 4_180_000,
      bar: { ratioAtLeast: 0.25 },
    },
    {
      name: 'rr64',
      unit: 'per_s',
      text: '100-byte requests answered, 64 in flight',
      quotedRaw: 354_000,
      bar: { ratioAtLeast: 0.6 },
    },
    {
      name: 'rr1_p50',
      unit: 'us',
      text: 'a 100-byte request and its answer, one in flight',
      quotedRaw: 100,
      bar: { ratioAtMost: 1.15 },
    },
    { name: 'rr1_p99', unit: 'us', text: 'the same, slowest of a hundred', tail: true },
    { name: 'bulk_64k', unit: 'mb_per_s', text: '64 KiB chunks one way', quotedRaw: 906, bar: { ratioAtLeast: 0.9 } },
  ],
}

export const far: Far = async () => {
  const { connector, hello, close } = await startPeer()
  connector.events.on(
    'frame',
    answerer((control, id, header, body) => control.send(header, id, body)),
  )
  connector.events.on('bulk', (connection) => {
    const answer = answerer<Connection>((to, id, header, body) => to.send({ header, id, body }))
    connection.onMessage((message) => answer(connection, message))
  })
  return { hello, close }
}

/** Counts what comes, sends echoes back, and tells how many it counted. */
function answerer<To>(send: (to: To, id: number, header: string, body: Value) => Promise<void>) {
  let count = 0
  return (to: To, { header, id, body }: Message): void => {
    if (header === 'bench/count') {
      count += 1
      recycle(body as Uint8Array)
      return
    }
    const answer = header === 'bench/tell' ? count : body
    if (header === 'bench/tell') count = 0
    void send(to, id as number, 'bench/answer', answer)
  }
}

export const near: Near = async ({ hello }) => {
  const peer = await startPeer()
  const control = await meet(peer, hello)
  let onAnswer: (id: number, body: Value) => void = () => {}
  const listen = ({ id, body }: Message): void => onAnswer(id as number, body)
  peer.connector.events.on('frame', (_control, message) => listen(message))
  const bulk = await peer.connector.openBulk(control.peer)
  bulk.onMessage(listen)
  const sendBulk = (header: string, id: number, body: Value) => bulk.send({ header, id, body })
  const sendControl = (header: string, id: number, body: Value) => control.send(header, id, body)

  /** Sends as fast as the connection takes it, and waits until the far end has counted everything. */
  async function oneWay(send: typeof sendControl, body: Uint8Array, ms: number): Promise<number> {
    let sent = 0
    const started = performance.now()
    while (performance.now() - started < ms) {
      for (let i = 0; i < BATCH; i++) await send('bench/count', ++sent, body)
    }
    const counted = await new Promise<Value>((resolve, reject) => {
      onAnswer = (_id, count) => resolve(count)
      send('bench/tell', 0, null).catch(reject)
    })
    if (counted !== sent) throw new Error(`the far end counted ${String(counted)} of ${sent} messages`)
    return (sent * 1_000) / (performance.now() - started)
  }

  /**
   * Keeps so many requests on the way; answers are matched by id, whatever their order. A send that fails ends the process, and so the run.
   * @returns answers per second
   */
  function ask(inFlight: number, ms: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const open = new Array<number>(OPEN_IDS).fill(0)
      const started = performance.now()
      let now = started
      let answers = 0
      const next = (): void => {
        const id = control.nextId()
        open[id % OPEN_IDS] = id
        void control.send('bench/ask', id, SMALL)
      }
      onAnswer = (id) => {
        if (open[id % OPEN_IDS] !== id) return reject(new Error(`an answer to ${id}, which nobody asked`))
        open[id % OPEN_IDS] = 0
        answers += 1
        if (answers % inFlight === 0) now = performance.now()
        if (now - started < ms) next()
        else if (open.every((id) => id === 0)) resolve((answers * 1_000) / (performance.now() - started))
      }
      for (let i = 0; i < inFlight; i++) next()
    })
  }

  /** One request at a time: ms from each to its answer. */
  async function askOneByOne(ms: number): Promise<number[]> {
    const times: number[] = []
    const started = performance.now()
    for (let sent = started; sent - started < ms; ) {
      await new Promise<void>((resolve, reject) => {
        const asked = control.nextId()
        onAnswer = (id) => (id === asked ? resolve() : reject(new Error(`an answer to ${id}, which nobody asked`)))
        control.send('bench/ask', asked, SMALL).catch(reject)
      })
      const now = performance.now()
      times.push(now - sent)
      sent = now
    }
    return times
  }

  return {
    measures: {
      oneway_100b: async ({ ms }) => ({ oneway_100b_per_s: await oneWay(sendControl, SMALL, ms) }),
      rr64: async ({ ms }) => ({ rr64_per_s: await ask(IN_FLIGHT, ms) }),
      async rr1({ ms }) {
        const times = await askOneByOne(ms)
        return { rr1_p50_us: percentile(times, 0.5) * 1_000, rr1_p99_us: percentile(times, 0.99) * 1_000 }
      },
      async bulk_64k({ ms }) {
        const perSecond = await oneWay(sendBulk, CHUNK, ms)
        return { bulk_64k_mb_per_s: (perSecond * CHUNK.length) / 1e6 }
      },
    },
    close: () => peer.close(),
  }
}
