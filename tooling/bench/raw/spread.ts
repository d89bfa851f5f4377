/**
 * The raw baseline for gossip: `node:dgram` alone, a socket for each peer in one process. Whoever gets a datagram for the first time passes it on to
 * three others; these are fixed, so that each gets it three times and none is left out. No codec, no seal, no signature, no repair. This file is
 * fixed: see the test beside it.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Near } from '../side.js'
import { SpreadTimes } from '../spread-times.js'

const HOST = '127.0.0.1'
/** As many as ours: a rumor of 200 bytes with its signature, and the seal. */
const BYTES = 400
const FAN_OUT = 3
/** As ours asks for: the kernel's default would lose bursts. */
const RECEIVE_BUFFER = 4_194_304

export const near: Near = async ({ connections: count }) => {
  const sockets = await Promise.all(Array.from({ length: count }, () => bound()))
  const ports = sockets.map((socket) => socket.address().port)
  const times = new SpreadTimes(count)
  const latest = new Array<number>(count).fill(0)
  let sent = 0
  let turn = 0

  /** Peers are numbered from the publisher on: number n passes it on to 3n + 1, 3n + 2 and 3n + 3. */
  const pass = (index: number, origin: number, bytes: Uint8Array): void => {
    const place = (index - origin + count) % count
    for (let child = 1; child <= FAN_OUT; child++) {
      const to = (origin + FAN_OUT * place + child) % count
      sockets[index]?.send(bytes, ports[to], HOST)
      sent += 1
    }
  }
  for (const [index, socket] of sockets.entries()) {
    socket.on('message', (bytes) => {
      const number = bytes.readUInt32BE(0)
      if (number <= (latest[index] as number)) return
      latest[index] = number
      times.came(index, bytes)
      pass(index, bytes.readUInt32BE(4), bytes)
    })
  }
  const publish = (body: Uint8Array): number => {
    const origin = turn++ % count
    const bytes = Buffer.from(body)
    bytes.writeUInt32BE(origin, 4)
    latest[origin] = bytes.readUInt32BE(0)
    pass(origin, origin, bytes)
    return origin
  }
  return {
    measures: {
      spread: async ({ ms }) => {
        const before = sent
        const { rumors, ...figures } = await times.measure(ms, BYTES, publish)
        return { ...figures, payloads_per_peer: (sent - before) / (rumors * count) }
      },
    },
    async close() {
      await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))))
    },
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER })
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket
}
