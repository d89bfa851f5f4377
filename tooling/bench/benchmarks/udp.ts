/**
 * `bench udp`: sealed requests and replies by datagram through the requests endpoint, with every check on both sides, against an echo
 * of bare datagrams; and what sealing and opening alone cost.
 */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import { RequestsEndpoint, type RequestsEndpointLimits } from '@pc/dispatch'
import { createIdentity, createKeyExchange, type DatagramSession, openNetwork, PeerId } from '@pc/identity'
import { type Address, systemClock, systemProtocol, systemRandom } from '@pc/transport'
import type { Benchmark } from '../benchmark.js'
import type { Far, Near } from '../side.js'
import { percentile } from '../statistics.js'

const HOST = '127.0.0.1'
const ECHO = 0x80
const IN_FLIGHT = 64
const SMALL = new Uint8Array(100).fill(7)
/** Of what is sealed and opened alone: a middling datagram. */
const SEALED_BYTES = 200
const TIMEOUT_MS = 5_000
/** Packets that are sealed before the clock is looked at. */
const CHUNK = 256
/** One peer asks as much as it can, and the other answers all of it. */
const LIMITS: RequestsEndpointLimits = {
  pendingPerPeer: IN_FLIGHT,
  peer: { packets: { ratePerSecond: 1_000_000, burst: 1_000_000 }, bytes: { ratePerSecond: 1e9, burst: 1e9 } },
}
const HANDLER = { access: 'anyone', concurrency: IN_FLIGHT } as const

export const udp: Benchmark = {
  name: 'udp',
  summary: 'sealed requests and replies by datagram, against a node:dgram echo; sealing and opening alone',
  placement: 'both ends in processes of their own',
  builds: ['packages/dispatch'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/dgram.ts', import.meta.url).href },
  settings: { limits: LIMITS, handler: HANDLER },
  figures: [
    {
      name: 'sealed_rr64',
      measuredAs: 'rr64',
      unit: 'per_s',
      text: '100-byte requests answered, 64 in flight',
      quotedRaw: 51_000,
      bar: { ratioAtLeast: 0.6 },
    },
    {
      name: 'rr1_p50',
      unit: 'us',
      text: 'a 100-byte request and its answer, one in flight',
      quotedRaw: 99,
      bar: { ratioAtMost: 1.3 },
    },
    { name: 'seal', unit: 'us', text: 'to seal a datagram of 200 bytes', bar: { atMost: 4 } },
    { name: 'open', unit: 'us', text: 'to open it', bar: { atMost: 4 } },
    { name: 'bare_seal', unit: 'us', text: 'to seal as much with node:crypto and nothing else' },
    { name: 'bare_open', unit: 'us', text: 'to open it so' },
  ],
}

export const far: Far = async () => {
  const { endpoint, address, id, close } = await open()
  endpoint.register(ECHO, HANDLER, ({ body }) => body)
  return { hello: { ...address, id: id.toString() }, close }
}

export const near: Near = async ({ hello }) => {
  const { host, port, id } = hello as { host: string; port: number; id: string }
  const to = { id: PeerId.parse(id), address: { host, port } }
  const { endpoint, close } = await open()

  async function ask(inFlight: number, ms: number): Promise<{ perSecond: number; times: number[] }> {
    const times: number[] = []
    const started = performance.now()
    const caller = async (): Promise<void> => {
      for (let at = performance.now(); at - started < ms; ) {
        const answer = await endpoint.submit(to, ECHO, SMALL, { timeoutMs: TIMEOUT_MS })
        if (!(answer instanceof Uint8Array) || answer.length !== SMALL.length) throw new Error('not what was asked')
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
      sealing: async ({ ms }) => sealing(ms),
    },
    close,
  }
}

async function open(): Promise<{
  endpoint: RequestsEndpoint
  address: Address
  id: PeerId
  close: () => Promise<void>
}> {
  const identity = createIdentity()
  const protocol = systemProtocol(identity)
  const endpoint = RequestsEndpoint.create({
    identity,
    network: openNetwork('bench'),
    bootId: systemRandom.bytes(8),
    clock: systemClock,
    limits: LIMITS,
  })
  const socket = await protocol.bind({ host: HOST, port: 0 }, (bytes, from) => endpoint.receive(bytes, from, socket))
  endpoint.attach(socket)
  return {
    endpoint,
    address: socket.address,
    id: identity.id,
    async close() {
      await endpoint.close()
      await socket.close()
    },
  }
}

/** Both ends of a session in this process, and the same without a session: what a machine takes differs much from one to the next. */
function sealing(ms: number): Record<'seal_us' | 'open_us' | 'bare_seal_us' | 'bare_open_us', number> {
  const [sender, receiver] = sessionPair()
  const plaintext = new Uint8Array(SEALED_BYTES).fill(7)
  const ours = inChunks(
    ms / 2,
    () => sender.seal(ECHO, plaintext),
    (datagram) => {
      if (typeof receiver.open(datagram) === 'string') throw new Error('a genuine datagram was not opened')
    },
  )
  const key = createSecretKey(systemRandom.bytes(32))
  const nonce = Buffer.alloc(12)
  const bare = inChunks(
    ms / 2,
    () => {
      nonce.writeUInt32BE(nonce.readUInt32BE() + 1)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const text = cipher.update(plaintext)
      cipher.final()
      return { text, nonce: Uint8Array.from(nonce), tag: cipher.getAuthTag() }
    },
    (sealed) => {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.nonce)
      decipher.setAuthTag(sealed.tag)
      decipher.update(sealed.text)
      decipher.final()
    },
  )
  return { seal_us: ours.firstUs, open_us: ours.secondUs, bare_seal_us: bare.firstUs, bare_open_us: bare.secondUs }
}

/** Does one thing a chunk of times, then the other with what that gave, each under its own watch. */
function inChunks<T>(ms: number, first: () => T, second: (made: T) => void): { firstUs: number; secondUs: number } {
  let [count, firstMs, secondMs] = [0, 0, 0]
  for (const started = performance.now(); performance.now() - started < ms; count += CHUNK) {
    const made: T[] = []
    const before = performance.now()
    for (let number = 0; number < CHUNK; number++) made.push(first())
    const between = performance.now()
    for (const one of made) second(one)
    secondMs += performance.now() - between
    firstMs += between - before
  }
  return { firstUs: (firstMs * 1_000) / count, secondUs: (secondMs * 1_000) / count }
}

function sessionPair(): [DatagramSession, DatagramSession] {
  const [anna, ben] = [createIdentity(), createIdentity()]
  const network = openNetwork('bench')
  const random = (length: number): Uint8Array => systemRandom.bytes(length)
  const begun = createKeyExchange({ identity: anna, network, random }).initiate(ben.id, new Uint8Array(0), 1)
  if (begun === undefined) throw new Error('no first message')
  const accepted = createKeyExchange({ identity: ben, network, random }).respond(begun.message, 1)?.accept(2)
  const finished = accepted && begun.finish(accepted.message)
  if (accepted === undefined || finished === undefined) throw new Error('no session')
  return [finished, accepted.session]
}
