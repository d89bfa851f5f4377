/**
 * `bench messages`: messages with receipts and requests with replies, as a program uses them: dispatch, permission, deadlines,
 * acknowledgement and all. Inbox and outbox are in memory for now, so nothing here is durable yet.
 */
import { Messaging } from '@pc/messaging'
import type { Benchmark } from '../benchmark.js'
import { meet, startPeer } from '../peer-on-loopback.js'
import type { Far, Near } from '../side.js'
import { percentile } from '../statistics.js'

const IN_FLIGHT = 64
const SMALL = new Uint8Array(100).fill(7)

export const messages: Benchmark = {
  name: 'messages',
  summary: 'acknowledged messages and requests of @pc/messaging (in memory), against batched node:tls',
  placement: 'both ends in processes of their own',
  builds: ['packages/messaging'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/tls.ts', import.meta.url).href },
  figures: [
    { name: 'oneway_100b', unit: 'per_s', text: '100-byte messages acknowledged', quotedRaw: 4_180_000 },
    { name: 'rr64', unit: 'per_s', text: '100-byte requests answered, 64 in flight', quotedRaw: 354_000 },
    { name: 'rr1_p50', unit: 'us', text: 'a 100-byte request and its answer, one in flight', quotedRaw: 100 },
    { name: 'rr1_p99', unit: 'us', text: 'the same, slowest of a hundred', tail: true },
  ],
}

export const far: Far = async () => {
  const { connector, hello, close } = await startPeer()
  const messaging = Messaging.create({ connector })
  let count = 0
  messaging.onMessage('bench/count', { access: 'anyone' }, () => {
    count += 1
  })
  messaging.handle('bench/echo', { access: 'anyone' }, (payload) => payload)
  messaging.handle<null, number>('bench/tell', { access: 'anyone' }, () => {
    const told = count
    count = 0
    return told
  })
  return {
    hello,
    async close() {
      await messaging.close()
      await close()
    },
  }
}

export const near: Near = async ({ hello }) => {
  const local = await startPeer()
  const messaging = Messaging.create({ connector: local.connector })
  const { peer } = await meet(local, hello)

  /** So many callers, each of which waits for what it has asked for before it asks again. */
  async function callers(
    count: number,
    ms: number,
    call: () => Promise<unknown>,
  ): Promise<{ perSecond: number; times: number[] }> {
    const times: number[] = []
    const started = performance.now()
    const caller = async (): Promise<void> => {
      for (let at = performance.now(); at - started < ms; ) {
        await call()
        const now = performance.now()
        times.push(now - at)
        at = now
      }
    }
    await Promise.all(Array.from({ length: count }, caller))
    return { perSecond: (times.length * 1_000) / (performance.now() - started), times }
  }

  return {
    measures: {
      async oneway_100b({ ms }) {
        const { perSecond, times } = await callers(IN_FLIGHT, ms, async () => {
          await (await messaging.send(peer, 'bench/count', SMALL)).acknowledged
        })
        const counted = await messaging.request<null, number>(peer, 'bench/tell', null)
        if (counted !== times.length) throw new Error(`the far end handled ${counted} of ${times.length} messages`)
        return { oneway_100b_per_s: perSecond }
      },
      async rr64({ ms }) {
        const { perSecond } = await callers(IN_FLIGHT, ms, () => messaging.request(peer, 'bench/echo', SMALL))
        return { rr64_per_s: perSecond }
      },
      async rr1({ ms }) {
        const { times } = await callers(1, ms, () => messaging.request(peer, 'bench/echo', SMALL))
        return { rr1_p50_us: percentile(times, 0.5) * 1_000, rr1_p99_us: percentile(times, 0.99) * 1_000 }
      },
    },
    async close() {
      await messaging.close()
      await local.close()
    },
  }
}
