/**
 * `bench connect`: what a new authenticated connection takes, with HELLO both ways, records and every check; and that a request over
 * the connection that is there takes no handshake at all.
 *
 * The new ones are bulk connections, as a peer has only one control connection with another. Each counts once the far end, which
 * has checked our HELLO then, has answered over it: raw's rule, with its one byte there and back.
 */
import type { Connection } from '@pc/transport'
import { answerAll, asker, timeRequests } from '../ask.js'
import type { Benchmark } from '../benchmark.js'
import { makeConnections, PARALLEL } from '../connection-load.js'
import { type LoopbackOptions, meet, startPeer } from '../peer-on-loopback.js'
import type { Far, Near } from '../side.js'
import { percentile } from '../statistics.js'

/** One peer at one address makes them all. Twice as many: the far end may see an end after the next start. */
const OPTIONS: LoopbackOptions = {
  limits: { bulkPerPeer: 2 * PARALLEL, perAddress: 2 * PARALLEL },
  handshakes: { maxHandshakesPerAddress: PARALLEL },
}

export const connect: Benchmark = {
  name: 'connect',
  summary: 'new authenticated connections, against mutual node:tls; requests over the one that is there',
  placement: 'both ends in processes of their own',
  builds: ['packages/transport'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/tls-connect.ts', import.meta.url).href },
  settings: { ...OPTIONS },
  figures: [
    {
      name: 'connect',
      unit: 'per_s',
      text: `authenticated connections, ${PARALLEL} at a time`,
      bar: { ratioAtLeast: 0.8 },
    },
    {
      name: 'pooled_request_p50',
      unit: 'us',
      text: 'a 100-byte request over the connection there, and its answer',
      bar: { atMost: 300 },
    },
    { name: 'pooled_request_p99', unit: 'us', text: 'the same, slowest of a hundred', tail: true },
    {
      name: 'handshakes_during_pooled',
      unit: 'cost',
      text: 'handshakes that began at the far end meanwhile',
      bar: { atMost: 0 },
    },
  ],
}

/** What the far end has seen since it was started. */
type Seen = Readonly<Record<'connections' | 'handshakes' | 'failed', number>>

export const far: Far = async () => {
  const { connector, handshakes, hello, close } = await startPeer(OPTIONS)
  let connections = 0
  connector.events.on('bulk', (connection) => {
    connections += 1
    // Its end is seen by reading.
    connection.onMessage(() => {})
    void connection.send({ header: 'bench/here', id: 0, body: null })
  })
  answerAll(connector, {
    'bench/ask': (body) => body,
    'bench/tell': () => ({ connections, handshakes: handshakes().all, failed: handshakes().failed }) satisfies Seen,
  })
  return { hello, close }
}

export const near: Near = async ({ hello }) => {
  const local = await startPeer(OPTIONS)
  const { connector } = local
  const { peer } = await meet(local, hello)
  const ask = asker(connector, peer)
  const tell = async (): Promise<Seen> => (await ask('bench/tell', null)) as Seen

  return {
    measures: {
      async connect({ ms }) {
        const before = await tell()
        const { made, perSecond } = await makeConnections(
          {
            async open() {
              const connection = await connector.openBulk(peer)
              await answered(connection)
              return connection
            },
            end: (connection) => connection.close(),
          },
          ms,
        )
        requireSeen(before, await tell(), made)
        return { connect_per_s: perSecond }
      },
      async pooled({ ms }) {
        const before = await tell()
        const times = await timeRequests(ask, ms)
        return {
          pooled_request_p50_us: percentile(times, 0.5) * 1_000,
          pooled_request_p99_us: percentile(times, 0.99) * 1_000,
          handshakes_during_pooled: (await tell()).handshakes - before.handshakes,
        }
      },
    },
    close: local.close,
  }
}

/** Resolves with the far end's first frame. */
function answered(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.onMessage(() => resolve())
    void connection.closed.then(({ code }) => reject(new Error(`a connection ended before it was answered: ${code}`)))
  })
}

/** A connection that was made by a second attempt, or that the far end did not take, is none that was made so fast. */
function requireSeen(before: Seen, after: Seen, made: number): void {
  const seen = (what: keyof Seen): number => after[what] - before[what]
  if (seen('connections') === made && seen('handshakes') === made && seen('failed') === 0) return
  throw new Error(
    `expected ${made} connections and as many handshakes at the far end, got ${seen('connections')} and ` +
      `${seen('handshakes')}, ${seen('failed')} of which failed`,
  )
}
