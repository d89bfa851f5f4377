/**
 * `bench udp`: requests and replies by datagram through the requests endpoint: every datagram packed, MACed and, at the other
 * end, checked in full. They are not sealed yet: the endpoint has no sessions. So the figures are not called sealed.
 */
import { ReplyRegistry, RequestsEndpoint } from '@pc/dispatch'
import { createIdentity, openNetwork } from '@pc/identity'
import { type Address, systemClock, systemProtocol, systemRandom } from '@pc/transport'
import type { Benchmark } from '../benchmark.js'
import type { Far, Near } from '../side.js'
import { percentile } from '../statistics.js'

const HOST = '127.0.0.1'
const REQUEST = 0x80
const ANSWER = 0x81
const IN_FLIGHT = 64
const SMALL = new Uint8Array(100).fill(7)
const TIMEOUT_MS = 2_000
/** One address is all the network there is: its bucket must let through what is measured. */
const LIMITS = { loopback: { ratePerSecond: 1_000_000, burst: 1_000_000 } }

export const udp: Benchmark = {
  name: 'udp',
  summary: 'requests by datagram under the network MAC (not sealed yet), against a node:dgram echo',
  placement: 'both ends in processes of their own',
  builds: ['packages/dispatch'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/dgram.ts', import.meta.url).href },
  settings: { limits: LIMITS },
  figures: [
    { name: 'rr64', unit: 'per_s', text: '100-byte requests answered, 64 in flight', quotedRaw: 51_000 },
    { name: 'rr1_p50', unit: 'us', text: 'a 100-byte request and its answer, one in flight', quotedRaw: 99 },
  ],
}

export const far: Far = async () => {
  const { endpoint, address, close } = await open()
  endpoint.register(REQUEST, ({ body, from, via }) => void endpoint.send(ANSWER, body, from, via))
  return { hello: { ...address }, close }
}

export const near: Near = async ({ hello }) => {
  const to = hello as unknown as Address
  const { endpoint, close } = await open()
  const replies = new ReplyRegistry<void>({ clock: systemClock })
  endpoint.register(ANSWER, ({ body }) => void replies.resolve((body as [number])[0], undefined))
  let lastId = 0

  async function ask(inFlight: number, ms: number): Promise<{ perSecond: number; times: number[] }> {
    const times: number[] = []
    const started = performance.now()
    const caller = async (): Promise<void> => {
      for (let at = performance.now(); at - started < ms; ) {
        const id = ++lastId
        const reply = replies.expect(id, { timeoutMs: TIMEOUT_MS })
        await endpoint.send(REQUEST, [id, SMALL], to)
        await reply
        const now = performance.now()
        times.push(now - at)
        at = now
      }
    }
    await Promise.all(Array.from({ length: inFlight }, caller))
    return { perSecond: (times.length * 1_000) / (performance.now() - started), times }
  }

  return {
    measures: {
      rr64: async ({ ms }) => ({ rr64_per_s: (await ask(IN_FLIGHT, ms)).perSecond }),
      rr1: async ({ ms }) => ({ rr1_p50_us: percentile((await ask(1, ms)).times, 0.5) * 1_000 }),
    },
    close,
  }
}

async function open(): Promise<{ endpoint: RequestsEndpoint; address: Address; close: () => Promise<void> }> {
  const protocol = systemProtocol(createIdentity())
  const network = openNetwork('bench')
  const endpoint = RequestsEndpoint.create({
    network,
    bootId: systemRandom.bytes(8),
    clock: systemClock,
    limits: LIMITS,
  })
  const socket = await protocol.bind({ host: HOST, port: 0 }, (bytes, from) => endpoint.receive(bytes, from, socket))
  endpoint.attach(socket)
  return {
    endpoint,
    address: socket.address,
    async close() {
      await endpoint.close()
      await socket.close()
    },
  }
}
