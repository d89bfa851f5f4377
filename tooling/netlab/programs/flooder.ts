/** Sends prepared datagrams from one UDP port, as many as one process can or as many as are asked for, and counts what comes back. */
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createIdentity, createKeyExchange, openNetwork, PeerId } from '@pc/identity'
import {
  announcement,
  type Draw,
  initiation,
  recordRequest,
  reset,
  response,
  sessionDatagram,
} from '../forged-datagrams.js'
import { serve } from './serve.js'

/** What a flood consists of. `exchange`: initiations that the victim opens, each of another key. */
export type Kind =
  | 'session'
  | 'reset'
  | 'response'
  | 'initiation'
  | 'exchange'
  | 'record-request'
  | 'announcement'
  | 'noise'

/** Handed to the kernel before others get a turn. */
const BURST = 64
/** In which a rate is kept. */
const TICK_MS = 5
/** What is answered late is still counted. */
const REST_MS = 300
const SOCKET_BUFFER = 1 << 20
const MAX_NOISE = 200

const draw: Draw = (bytes) => randomBytes(bytes)
let socket: Socket | undefined
let target = { to: '', port: 0 }
let loaded: Uint8Array[] = []
let came = { packets: 0, bytes: 0 }

export const handlers = {
  /** Where from now on all datagrams go, and the port that they leave from. */
  async aim(args: { to: string; port: number; from: number }): Promise<void> {
    socket?.close()
    const opened = createSocket({ type: 'udp4', sendBufferSize: SOCKET_BUFFER, recvBufferSize: SOCKET_BUFFER })
    opened.on('error', () => {})
    opened.on('message', (bytes) => {
      came.packets += 1
      came.bytes += bytes.length
    })
    opened.bind(args.from)
    await once(opened, 'listening')
    socket = opened
    target = { to: args.to, port: args.port }
  },

  /** `count` datagrams of these kinds in turns, which are then sent in this order, again and again. */
  load(args: {
    kinds: readonly Kind[]
    count: number
    network: string
    victim: string
    indexes: readonly number[]
  }): void {
    const { kinds, count, indexes } = args
    const network = openNetwork(args.network)
    const victim = PeerId.parse(args.victim)
    const index = (at: number): number => indexes[at % indexes.length] ?? randomBytes(4).readUInt32BE()
    const make: Record<Kind, (at: number) => Uint8Array> = {
      session: (at) => sessionDatagram(at % 2 === 0 ? 0x80 : 0x03, draw, index(at)),
      reset: (at) => reset(network, index(at)),
      response: (at) => response(network, draw, index(at)),
      initiation: () => initiation(network, draw),
      exchange() {
        const exchange = createKeyExchange({ identity: createIdentity(), network, random: draw })
        return initiation(network, draw, (senderIndex) => {
          const begun = exchange.initiate(victim, new Uint8Array(), senderIndex)
          if (begun === undefined) throw new Error(`nobody can agree on a key with ${args.victim}`)
          return begun.message
        })
      },
      'record-request': () => recordRequest(network, draw),
      announcement: (at) => announcement(network, draw, target.port, Date.now() + at),
      noise: () => randomBytes(1 + ((randomBytes(1)[0] ?? 0) % MAX_NOISE)),
    }
    loaded = Array.from({ length: count }, (_, at) =>
      make[kinds[at % kinds.length] ?? 'noise'](Math.floor(at / kinds.length)),
    )
  },

  /** Text instead, for a receiver that knows nothing of us. */
  loadText({ text }: { text: string }): void {
    loaded = [Buffer.from(text)]
  },

  /** Until so many were sent or so much time has passed; `perSecond` at most, without it as fast as it goes. */
  async shoot(args: { count?: number; ms: number; perSecond?: number }): Promise<{ sent: number; ms: number }> {
    const { count = Number.POSITIVE_INFINITY, ms, perSecond = Number.POSITIVE_INFINITY } = args
    const started = performance.now()
    let [tried, sent] = [0, 0]
    while (tried < count && performance.now() - started < ms) {
      const due = Math.min(count, (perSecond * (performance.now() - started + TICK_MS)) / 1_000) - tried
      const burst = Math.min(BURST, Math.floor(due))
      if (burst <= 0) {
        await pause(TICK_MS)
        continue
      }
      const from = tried
      const sends = Array.from({ length: burst }, (_, at) => send(loaded[(from + at) % loaded.length]))
      tried += burst
      sent += (await Promise.all(sends)).filter(Boolean).length
    }
    return { sent, ms: performance.now() - started }
  },

  /** Waits for late answers; what came back since the last time. */
  async rest(): Promise<{ packets: number; bytes: number }> {
    await pause(REST_MS)
    const result = came
    came = { packets: 0, bytes: 0 }
    return result
  },
}

/** False: the machine did not take it. */
function send(bytes: Uint8Array | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket === undefined || bytes === undefined) return resolve(false)
    socket.send(bytes, target.port, target.to, (error) => resolve(error === null))
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

serve(handlers)
