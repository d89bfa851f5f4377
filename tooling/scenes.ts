/** What the demo and the network lab have in common: scenes with daemons, and the figures they give. */
import { setTimeout as delay } from 'node:timers/promises'
import type { DaemonProcess } from './daemon-process.js'

const DISCOVERY_LIMIT_MS = 15_000
const OFFLINE_LIMIT_MS = 30_000
const PINGS = 7
const NEWS_LIMIT_MS = 10_000

/** The slowest pair, from the later of the two listens until both see each other, by the daemons' own clocks (one machine, one clock). */
export async function discoveryMs(daemons: readonly DaemonProcess[]): Promise<number> {
  const listens = new Map<DaemonProcess, number>()
  for (const daemon of daemons) listens.set(daemon, (await daemon.status()).listeningAt)
  let slowest = 0
  for (const one of daemons) {
    for (const other of daemons) {
      if (one === other) continue
      const since = await one.sees(other, 'online', DISCOVERY_LIMIT_MS)
      slowest = Math.max(slowest, since - Math.max(listens.get(one) ?? 0, listens.get(other) ?? 0))
    }
  }
  return slowest
}

/** The slowest pair's median round trip over the control connection. */
export async function slowestPing(pairs: readonly (readonly [DaemonProcess, DaemonProcess])[]): Promise<number> {
  let slowest = 0
  for (const [from, to] of pairs) {
    const times: number[] = []
    for await (const pong of from.stream('ping', { peer: to.name, count: PINGS, intervalMs: 0 })) {
      times.push((pong as { roundTripMs: number }).roundTripMs)
    }
    times.sort((a, b) => a - b)
    slowest = Math.max(slowest, times[Math.floor(times.length / 2)] ?? Number.NaN)
  }
  return slowest
}

/** Tells everybody a text, and counts who gets it within its limit; and how long the last of them took. */
export async function broadcastReached(
  from: DaemonProcess,
  others: readonly DaemonProcess[],
): Promise<{ reached: number; ms: number }> {
  const streams = others.map((other) => other.stream('watch', { topic: 'demo' }))
  const told = streams.map((stream) => stream.next())
  // Answered after the request before it: all watch now.
  await Promise.all(others.map((other) => other.call('id')))
  const { id: sender } = (await from.call('id')) as { id: string }
  const startedAt = performance.now()
  const { id } = (await from.call('broadcast', { text: 'lunch is ready', topic: 'demo' })) as { id: string }
  let [reached, ms] = [0, 0]
  const count = told.map(async (next) => {
    const { value } = await next
    const news = value as { id: string; text: string; from: { id: string } } | undefined
    if (news?.id !== id || news.text !== 'lunch is ready' || news.from.id !== sender) return
    reached += 1
    ms = performance.now() - startedAt
  })
  const limit = new AbortController()
  await Promise.race([Promise.all(count), delay(NEWS_LIMIT_MS, undefined, { signal: limit.signal })])
  limit.abort()
  await Promise.all(streams.map((stream) => stream.return?.()))
  return { reached, ms }
}

/** Searches for so many at most; counts whose answer comes within the search's deadline, and how long the last took. */
export async function searchFound(
  from: DaemonProcess,
  text: string,
  limit: number,
): Promise<{ found: number; ms: number }> {
  const startedAt = performance.now()
  const found = new Set<string>()
  let ms = 0
  for await (const match of from.stream('search', { text, limit })) {
    found.add((match as { id: string }).id)
    ms = performance.now() - startedAt
  }
  return { found: found.size, ms }
}

/** Kills the victim without a goodbye and returns how long the slowest observer took to call it offline. */
export async function noticeDeath(victim: DaemonProcess, observers: readonly DaemonProcess[]): Promise<number> {
  const killedAt = Date.now()
  await victim.kill()
  const seen = await Promise.all(observers.map((observer) => observer.sees(victim, 'offline', OFFLINE_LIMIT_MS)))
  return Math.max(...seen) - killedAt
}

/** Starts the victim again and returns how long after its listening the slowest observer saw it; its id must be the same. */
export async function comeBack(victim: DaemonProcess, observers: readonly DaemonProcess[]): Promise<number> {
  const before = (await observers[0]?.peers())?.find((peer) => peer.name === victim.name)?.id
  const { id, listeningAt } = await victim.start()
  if (id !== before) throw new Error(`${victim.name} came back as ${id}, expected ${before}`)
  const seen = await Promise.all(observers.map((observer) => observer.sees(victim, 'online', DISCOVERY_LIMIT_MS)))
  await Promise.all(observers.map((observer) => victim.sees(observer, 'online', DISCOVERY_LIMIT_MS)))
  return Math.max(0, Math.max(...seen) - listeningAt)
}
