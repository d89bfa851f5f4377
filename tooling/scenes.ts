/** What the demo and the network lab have in common: scenes with daemons, and the figures they give. */
import type { DaemonProcess } from './daemon-process.js'

const DISCOVERY_LIMIT_MS = 15_000
const OFFLINE_LIMIT_MS = 30_000
const PINGS = 7

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
