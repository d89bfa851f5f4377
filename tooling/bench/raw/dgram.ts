/**
 * The raw baseline for everything that goes by datagram: `node:dgram` alone, an echo of what came in. No codec, no MAC, no
 * session, no retransmission. This file is fixed: every ratio that was ever quoted is against it. See the test beside it.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Far, Near } from '../side.js'
import { percentile } from '../statistics.js'

const HOST = '127.0.0.1'
const BYTES = 100
const IN_FLIGHT = 64
/** As ours asks for: the kernel's default would lose bursts. */
const RECEIVE_BUFFER = 4_194_304
/** On loopback an answer takes microseconds: what is not there by then is lost. */
const LOST_AFTER_MS = 2_000

export const far: Far = async () => {
  const socket = await bound()
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address))
  return { hello: socket.address().port, close: () => void socket.close() }
}

export const near: Near = async ({ hello }) => {
  const port = hello as number
  const socket = await bound()
  const request = Buffer.alloc(BYTES, 7)
  let onAnswer = (): void => {}
  socket.on('message', () => onAnswer())

  /** Keeps `inFlight` requests on the way; each answer is followed by the next request. */
  function echo(inFlight: number, ms: number): Promise<{ perSecond: number; times: number[] }> {
    return new Promise((resolve, reject) => {
      const times: number[] = []
      let open = inFlight
      const started = performance.now()
      let sentAt = started
      const lost = setTimeout(() => reject(new Error(`${open} datagrams were lost`)), ms + LOST_AFTER_MS)
      onAnswer = () => {
        const now = performance.now()
        times.push(now - sentAt)
        sentAt = now
        if (now - started < ms) {
          socket.send(request, port, HOST)
        } else if (--open === 0) {
          clearTimeout(lost)
          resolve({ perSecond: (times.length * 1_000) / (now - started), times })
        }
      }
      for (let i = 0; i < inFlight; i++) socket.send(request, port, HOST)
    })
  }

  return {
    measures: {
      rr64: async ({ ms }) => ({ rr64_per_s: (await echo(IN_FLIGHT, ms)).perSecond }),
      // With one in flight, the time since the last answer is the time of the request.
      rr1: async ({ ms }) => ({ rr1_p50_us: percentile((await echo(1, ms)).times, 0.5) * 1_000 }),
    },
    close: () => void socket.close(),
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER })
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket
}
