/** Plain sockets and nothing of ours: the measure that a network is held against before a result on it is believed. */
import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { serve } from './serve.js'

/** Datagrams sent before others get a turn. */
const BURST = 20
/** What Linux gives without asking further: some 500 short datagrams. */
const RECEIVE_BUFFER = 212_992

interface Counted {
  readonly socket: UdpSocket
  datagrams: number
}

const receivers = new Map<number, Counted>()
const streams = new Map<number, { readonly socket: Socket; state: 'open' | 'ended' | 'reset' }>()
const traffic = { connections: 0, bytes: 0 }
let nextStream = 1

export const handlers = {
  /** Counts what comes to that port, or to that group if one is given; `via` is the interface's address, or `::%name` for IPv6. */
  async receive(args: { port: number; family: 4 | 6; group?: string; via?: string }): Promise<void> {
    const socket = createSocket({
      type: args.family === 4 ? 'udp4' : 'udp6',
      reuseAddr: true,
      recvBufferSize: RECEIVE_BUFFER,
    })
    socket.bind(args.port)
    await once(socket, 'listening')
    if (args.group !== undefined) socket.addMembership(args.group, args.via)
    const counted: Counted = { socket, datagrams: 0 }
    socket.on('message', () => {
      counted.datagrams += 1
    })
    receivers.set(args.port, counted)
  },

  /** How many came since the last time it was asked, those that wait in the kernel included. */
  async taken({ port }: { port: number }): Promise<number> {
    // One whole turn of the event loop reads what had come before the question.
    await turn()
    await turn()
    const counted = receivers.get(port)
    if (counted === undefined) throw new Error(`nobody receives on ${port}`)
    const { datagrams } = counted
    counted.datagrams = 0
    return datagrams
  },

  /** Sends what comes to that port back where it claims to come from. */
  async echo({ port }: { port: number }): Promise<void> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BUFFER })
    socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address, () => {}))
    socket.bind(port)
    await once(socket, 'listening')
  },

  /** Resolves when the machine has taken or refused all of them; how many it took. */
  async send(args: { to: string; port: number; count: number; bytes: number; via?: string }): Promise<number> {
    const socket = createSocket(args.to.includes(':') ? 'udp6' : 'udp4')
    // A host that nobody answers for is reported late, and here it is a result like any other.
    socket.on('error', () => {})
    socket.bind()
    await once(socket, 'listening')
    socket.setBroadcast(true)
    if (args.via !== undefined) socket.setMulticastInterface(args.via)
    const bytes = Buffer.alloc(args.bytes)
    let taken = 0
    for (let sent = 0; sent < args.count; sent += BURST) {
      const burst = Array.from({ length: Math.min(BURST, args.count - sent) }, async () => {
        if (await sendOne(socket, bytes, args.port, args.to)) taken += 1
      })
      await Promise.all(burst)
      await turn()
    }
    socket.close()
    return taken
  },

  /** Accepts on all addresses and counts what comes. */
  async listen({ port }: { port: number }): Promise<void> {
    const server = createServer((socket) => {
      traffic.connections += 1
      socket.on('data', (chunk) => {
        traffic.bytes += chunk.length
      })
      socket.on('error', () => socket.destroy())
    })
    server.listen(port, '::')
    await once(server, 'listening')
  },

  traffic(): { connections: number; bytes: number; at: number } {
    return { ...traffic, at: performance.now() }
  },

  /** A stream's number, or why there is none: `timeout` or the system's code. */
  async dial(args: { to: string; port: number; withinMs: number }): Promise<number | string> {
    const socket = connect({ host: args.to, port: args.port })
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(args.withinMs) })
    } catch (error) {
      socket.destroy()
      return error instanceof Error && error.name === 'AbortError'
        ? 'timeout'
        : String((error as { code?: string }).code)
    }
    const stream: { socket: Socket; state: 'open' | 'ended' | 'reset' } = { socket, state: 'open' }
    socket.on('end', () => {
      stream.state = 'ended'
    })
    socket.on('error', () => {
      stream.state = 'reset'
    })
    socket.resume()
    streams.set(nextStream, stream)
    return nextStream++
  },

  streamState({ stream }: { stream: number }): 'open' | 'ended' | 'reset' {
    const found = streams.get(stream)
    if (found === undefined) throw new Error(`there is no stream ${stream}`)
    return found.state
  },

  /** Writes as fast as the other side takes it, until `stop`. */
  push({ stream }: { stream: number }): void {
    const found = streams.get(stream)
    if (found === undefined) throw new Error(`there is no stream ${stream}`)
    const { socket } = found
    const chunk = Buffer.alloc(65_536)
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk)) {
        // `write` says when it has enough.
      }
    }
    socket.on('drain', more)
    more()
  },

  /** Sends random bytes by a connection of their own and waits until the other side has ended too; their SHA-256 in hex. */
  async pushKnown(args: { to: string; port: number; bytes: number }): Promise<string> {
    const bytes = randomBytes(args.bytes)
    const socket = connect({ host: args.to, port: args.port })
    socket.resume()
    socket.end(bytes)
    await once(socket, 'close')
    return createHash('sha256').update(bytes).digest('hex')
  },

  stop({ stream }: { stream: number }): void {
    streams.get(stream)?.socket.destroy()
    streams.delete(stream)
  },
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function sendOne(socket: UdpSocket, bytes: Buffer, port: number, to: string): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      socket.send(bytes, port, to, (error) => resolve(error === null))
    } catch {
      // No route there: not taken, like any other datagram the machine refuses.
      resolve(false)
    }
  })
}

serve(handlers)
