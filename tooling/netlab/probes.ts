/** Measures of a network by plain sockets: what arrives, what can be dialled, how much gets through. */
import { delay } from '../daemon-process.js'
import type { Agent } from './agent.js'
import type { Host } from './host.js'
import type { Netlab } from './netlab.js'
import type { handlers } from './programs/plain.js'

/** A host with plain sockets that listen, made by {@link prepare}. */
export type Plain = Agent<typeof handlers>

export const PORT = 4_000
const GROUP_PORT = 4_001
export const GROUP_PORT_6 = 4_002
/** Addresses of nobody else: an administratively scoped one and a transient link-local one. */
const GROUP = '239.77.77.77'
const GROUP_6 = 'ff12::7777'
const BYTES = 200
/** Datagrams on their way at once: a receiver's buffer holds more, so that a busy machine loses none and only the network does. */
const ROUND = 200
/** Many times what a connection takes here, and less than TCP's second try. */
const DIAL_MS = 700
/** When nothing has come for so long, nothing more comes: a busy machine delivers late, also from its kernel. */
const QUIET_MS = 200

export async function prepare(lab: Netlab, host: Host): Promise<Plain> {
  const agent = await lab.agent<typeof handlers>(host, 'plain')
  await agent.call('receive', { port: PORT, family: 4 })
  await agent.call('receive', { port: GROUP_PORT, family: 4, group: GROUP, via: host.address() })
  await agent.call('receive', { port: GROUP_PORT_6, family: 6, group: GROUP_6, via: '::%lan0' })
  await agent.call('listen', { port: PORT })
  return agent
}

/** Share of datagrams from one to another that arrive. */
export async function share(from: Plain, to: Plain, address: string, count: number, port = PORT): Promise<number> {
  const [got = 0] = await arrivals(from, [to], { to: address, port }, count)
  return got / count
}

/** How many of `count` datagrams to the group each of the others gets. */
export async function toGroup(from: Plain, host: Host, to: readonly Plain[], count = 100): Promise<number[]> {
  return arrivals(from, to, { to: GROUP, port: GROUP_PORT, via: host.address() }, count)
}

export async function toGroup6(from: Plain, host: Host, to: readonly Plain[]): Promise<number[]> {
  const via = `::%${host.lans[0]?.interfaceName}`
  return arrivals(from, to, { to: GROUP_6, port: GROUP_PORT_6, via }, 100)
}

async function arrivals(
  from: Plain,
  to: readonly Plain[],
  where: { readonly to: string; readonly port: number; readonly via?: string },
  count: number,
): Promise<number[]> {
  const { port } = where
  const taken = (): Promise<number[]> => Promise.all(to.map((one) => one.call('taken', { port })))
  await taken()
  let sums = to.map(() => 0)
  const take = async (): Promise<number> => {
    const got = await taken()
    sums = sums.map((sum, index) => sum + (got[index] ?? 0))
    return Math.max(...got)
  }
  for (let sent = 0; sent < count; sent += ROUND) {
    await from.call('send', { ...where, count: Math.min(ROUND, count - sent), bytes: BYTES })
    await take()
  }
  let lastAt = performance.now()
  while (sums.some((sum) => sum < count) && performance.now() - lastAt < QUIET_MS) {
    await delay(10)
    if ((await take()) > 0) lastAt = performance.now()
  }
  return sums
}

export async function dials(
  from: Plain,
  to: Host,
  how: 'address' | 'uniqueLocal' | 'linkLocal' = 'address',
): Promise<string> {
  const stream = await from.call('dial', { to: to[how](), port: PORT, withinMs: DIAL_MS })
  if (typeof stream === 'string') return stream
  await from.call('stop', { stream })
  return 'open'
}

export async function open(from: Plain, to: Host, withinMs = DIAL_MS): Promise<number> {
  const stream = await from.call('dial', { to: to.address(), port: PORT, withinMs })
  if (typeof stream === 'number') return stream
  throw new Error(`expected a connection to ${to.name}, got ${stream}`)
}

/** Bits a second that arrive of a stream that sends as fast as it can, without the first moment. */
export async function throughput(from: Plain, to: Plain, host: Host, ms: number): Promise<number> {
  const stream = await open(from, host)
  await from.call('push', { stream })
  await delay(300)
  const before = await to.call('traffic')
  await delay(ms)
  const after = await to.call('traffic')
  await from.call('stop', { stream })
  return ((after.bytes - before.bytes) * 8_000) / (after.at - before.at)
}

export function broadcastOf(host: Host): string {
  return host.address().replace(/\d+$/, '255')
}
