/**
 * `bench priority`: how long a request over the control connection takes while a bulk connection between the same two peers is sent all
 * that it takes. Raw is the same transfer without a request beside it: so much goes over this machine's loopback.
 */
import { recycle } from '@pc/wire'
import { answerAll, asker, timeRequests } from '../ask.js'
import type { Benchmark } from '../benchmark.js'
import { meet, startPeer } from '../peer-on-loopback.js'
import type { Far, Near } from '../side.js'
import { percentile } from '../statistics.js'

const CHUNK = new Uint8Array(65_536).fill(7)

export const priority: Benchmark = {
  name: 'priority',
  summary: 'small requests while a bulk transfer between the same peers fills the link',
  placement: 'both ends in processes of their own',
  builds: ['packages/transport'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/tls.ts', import.meta.url).href },
  figures: [
    {
      name: 'control_p99',
      unit: 'ms',
      text: '100-byte requests answered during the transfer, slowest of a hundred',
      tail: true,
      bar: { atMost: 5 },
    },
    { name: 'control_p50', unit: 'ms', text: 'half of them' },
    { name: 'control_alone_p99', unit: 'ms', text: 'the same without a transfer, slowest of a hundred', tail: true },
    { name: 'bulk', measuredAs: 'bulk_64k', unit: 'mb_per_s', text: 'the transfer, 64 KiB chunks (raw: no requests)' },
    // Else requests would be fast because the transfer stood still.
    {
      name: 'bulk_pause',
      unit: 'ms',
      text: 'longest time without a chunk at the far end',
      tail: true,
      bar: { atMost: 250 },
    },
  ],
}

/** What the far end has seen of a transfer. */
type Seen = Readonly<Record<'chunks' | 'pause_ms', number>>

export const far: Far = async () => {
  const { connector, hello, close } = await startPeer()
  answerAll(connector, { 'bench/ask': (body) => body })
  connector.events.on('bulk', (connection) => {
    let chunks = 0
    let pauseMs = 0
    let lastAt = 0
    connection.onMessage(({ header, id, body }) => {
      const now = performance.now()
      if (chunks > 0) pauseMs = Math.max(pauseMs, now - lastAt)
      lastAt = now
      if (header === 'bench/chunk') {
        chunks += 1
        recycle(body as Uint8Array)
        return
      }
      const seen: Seen = { chunks, pause_ms: pauseMs }
      chunks = 0
      pauseMs = 0
      void connection.send({ header: 'bench/seen', id, body: seen })
    })
  })
  return { hello, close }
}

export const near: Near = async ({ hello }) => {
  const local = await startPeer()
  const { peer } = await meet(local, hello)
  const bulk = await local.connector.openBulk(peer)
  const ask = asker(local.connector, peer)

  /** As much as the connection takes until the time is up; then what the far end has seen of it. */
  async function transfer(ms: number): Promise<{ mbPerSecond: number; pauseMs: number }> {
    const started = performance.now()
    let sent = 0
    while (performance.now() - started < ms) await bulk.send({ header: 'bench/chunk', id: ++sent, body: CHUNK })
    const { chunks, pause_ms: pauseMs } = await new Promise<Seen>((resolve, reject) => {
      bulk.onMessage(({ body }) => resolve(body as unknown as Seen))
      bulk.send({ header: 'bench/tell', id: 0, body: null }).catch(reject)
    })
    if (chunks !== sent) throw new Error(`the far end counted ${chunks} of ${sent} chunks`)
    return { mbPerSecond: (sent * CHUNK.length) / 1e3 / (performance.now() - started), pauseMs }
  }

  return {
    measures: {
      alone: async ({ ms }) => ({ control_alone_p99_ms: percentile(await timeRequests(ask, ms), 0.99) }),
      async bulk_64k({ ms }) {
        const [{ mbPerSecond, pauseMs }, times] = await Promise.all([transfer(ms), timeRequests(ask, ms)])
        return {
          control_p99_ms: percentile(times, 0.99),
          control_p50_ms: percentile(times, 0.5),
          bulk_64k_mb_per_s: mbPerSecond,
          bulk_pause_ms: pauseMs,
        }
      },
    },
    close: local.close,
  }
}
