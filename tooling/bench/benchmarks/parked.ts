/**
 * `bench parked`: what a process pays for connections that wait. One peer opens them, the other parks each (ConnectionDispatcher), so that
 * any may bring a service frame at any time; some are woken at last, so that being parked is no empty claim.
 *
 * Memory is the holding process's resident part, garbage collected before each look, and raw's counted likewise; both have by then
 * brought one thing there and back over each connection.
 *
 * V8 shrinks its heap once, in two full collections, up to 100 s after so much was made. That is a price of opening 10,000 connections at
 * once and not of holding them, so idling is measured after it; how long it took to come is printed.
 */
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { ConnectionDispatcher } from '@pc/dispatch'
import type { Connection } from '@pc/transport'
import { answerAll, asker } from '../ask.js'
import type { Benchmark } from '../benchmark.js'
import { endConnections, holdConnections, PARALLEL } from '../connection-load.js'
import { MOST_CONNECTIONS } from '../options.js'
import { type LoopbackOptions, meet, startPeer } from '../peer-on-loopback.js'
import { residentBytes } from '../resident.js'
import type { Far, Near } from '../side.js'

const ECHO = 'bench/echo'
const WORD = new Uint8Array(100).fill(7)
/** One peer at one address makes them all, and some more that are gone before: room for all of them and those that are being ended. */
const ROOM = MOST_CONNECTIONS + 1_000
/** Full collections in which V8 shrinks its heap after a burst. */
const SHRINKING = 2
const PARKING = { parked: ROOM } as const
const OPTIONS: LoopbackOptions = {
  limits: { inbound: ROOM, outbound: ROOM, perAddress: ROOM, bulkPerPeer: ROOM },
  handshakes: { maxHandshakesPerAddress: PARALLEL },
}

export const parked: Benchmark = {
  name: 'parked',
  summary: 'memory and time of a process that holds parked connections, against as many of node:tls',
  placement: 'both ends in processes of their own',
  builds: ['packages/dispatch'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/tls-connect.ts', import.meta.url).href },
  settings: { ...OPTIONS, parking: PARKING },
  once: { ms: 60_000 },
  connections: 10_000,
  figures: [
    { name: 'parked', unit: 'count', text: 'connections parked, after all that time' },
    {
      name: 'kib_each',
      unit: 'cost',
      text: 'KiB of resident memory for each',
      bar: { beyondRawAtMost: 25 },
    },
    {
      name: 'idle_cpu_share',
      unit: 'cost',
      text: 'of one processor, by the holding process, while nothing happens',
      bar: { atMost: 0.01 },
    },
    {
      name: 'settle',
      unit: 'ms',
      text: 'from the last connection until V8 had shrunk its heap, before idling is measured',
    },
    { name: 'wake', unit: 'ms', text: 'a parked connection woken by a service frame, until the answer' },
  ],
}

/** What the holding process says of itself. */
type Load = Readonly<Record<'parked' | 'collections' | 'cpu_ms' | 'now_ms', number>>

export const far: Far = async () => {
  const { connector, hello, close } = await startPeer(OPTIONS)
  const services = new ConnectionDispatcher({ authorize: () => true, limits: PARKING })
  services.register(ECHO, { access: 'anyone' }, (connection, { header, id, body }) =>
    connection.send({ header, id, body }),
  )
  connector.events.on('bulk', (connection) => services.park(connection))
  const collections = fullCollections()
  answerAll(connector, {
    'bench/resident': () => residentBytes(),
    'bench/load': () => {
      const { user, system } = process.cpuUsage()
      return {
        parked: services.parked,
        collections: collections(),
        cpu_ms: (user + system) / 1_000,
        now_ms: performance.now(),
      } satisfies Load
    },
  })
  return {
    hello,
    async close() {
      await services.close()
      await close()
    },
  }
}

export const near: Near = async ({ hello, connections }) => {
  const local = await startPeer(OPTIONS)
  const { peer } = await meet(local, hello)
  const ask = asker(local.connector, peer)
  const load = async (): Promise<Load> => (await ask('bench/load', null)) as Load
  const all = {
    async open() {
      const connection = await local.connector.openBulk(peer)
      await wake(connection)
      return connection
    },
    end: (connection: Connection) => connection.close(),
    resident: async () => (await ask('bench/resident', null)) as number,
  }

  return {
    measures: {
      async hold({ ms, progress }) {
        const { held, kibEach } = await holdConnections(all, connections, progress)
        const settleMs = await settle(2 * ms, progress)
        const before = await load()
        for (const started = performance.now(); performance.now() - started < ms; ) {
          const left = ms - (performance.now() - started)
          progress(`${connections} connections idle for ${Math.ceil(left / 1_000)} s`)
          await pause(Math.min(left, 1_000))
        }
        const after = await load()
        const wakeMs = await wakeSome(held)
        await requireParked(connections)
        await endConnections(all, held, progress)
        return {
          parked: after.parked,
          kib_each: kibEach,
          idle_cpu_share: (after.cpu_ms - before.cpu_ms) / (after.now_ms - before.now_ms),
          settle_ms: settleMs,
          wake_ms: wakeMs,
        }
      },
    },
    close: local.close,
  }

  /** Waits until V8 has shrunk the far end's heap, or for so long, and resolves with the time it took. */
  async function settle(atMostMs: number, progress: (text: string) => void): Promise<number> {
    const started = performance.now()
    const { collections } = await load()
    for (;;) {
      const waited = performance.now() - started
      if (waited >= atMostMs || (await load()).collections >= collections + SHRINKING) return waited
      progress(`${connections} connections, V8 to shrink its heap, ${Math.ceil(waited / 1_000)} s`)
      await pause(Math.min(atMostMs - waited, 1_000))
    }
  }

  /** All are there, each free for the next service frame. */
  async function requireParked(count: number): Promise<void> {
    const { parked: there } = await load()
    if (there !== count) throw new Error(`expected ${count} parked connections at the far end, got ${there}`)
  }
}

/** Counts V8's full collections in this process, those left out that were asked for. */
function fullCollections(): () => number {
  const { NODE_PERFORMANCE_GC_MAJOR: full, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants
  let count = 0
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as unknown as { detail: { kind: number; flags: number } }[]) {
      if (detail.kind === full && (detail.flags & forced) === 0) count += 1
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  return () => count
}

/** The one parked longest, the last one, and one in the middle. Resolves with the slowest, in ms. */
async function wakeSome(held: readonly Connection[]): Promise<number> {
  let slowest = 0
  for (const at of [0, held.length >> 1, held.length - 1]) {
    const started = performance.now()
    await wake(held[at] as Connection)
    slowest = Math.max(slowest, performance.now() - started)
  }
  return slowest
}

/** Sends a service frame, and resolves with what the service answers; the connection is parked again then. */
function wake(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.onMessage(({ header, body }) => {
      const answered = header === ECHO && body instanceof Uint8Array && Buffer.compare(body, WORD) === 0
      if (answered) resolve()
      else reject(new Error(`expected the service's answer, got ${header}`))
    })
    void connection.closed.then(({ code }) => reject(new Error(`a parked connection ended: ${code}`)))
    connection.send({ header: ECHO, id: 1, body: WORD }).catch(reject)
  })
}
