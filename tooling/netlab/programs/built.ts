/** The built packages below the daemon, for what the daemon itself does not do yet: TLS and UDP of @pc/transport, at any address. */
import { createIdentity } from '@pc/identity'
import { type Address, Connection, type DatagramSocket, systemProtocol } from '@pc/transport'
import { serve } from './serve.js'

const identity = createIdentity()
const protocol = systemProtocol(identity)
const sockets: DatagramSocket[] = []
const heard: { text: string; from: string }[] = []
/** Of another key, for a dial that must fail. */
const stranger = createIdentity().id

export const handlers = {
  /** Where the packages were taken from: a run from source would prove nothing about what is built. */
  origin(): string {
    return import.meta.resolve('@pc/transport')
  },

  /** Answers each frame of each connection with its body. */
  async listen(address: Address): Promise<Address> {
    const listener = await protocol.listen(address, (stream) => {
      const connection = new Connection(stream)
      connection.onMessage(({ header, id, body }) => {
        void connection.send({ header, id, body })
      })
    })
    return listener.address
  },

  id(): string {
    return identity.id.toString()
  },

  /** Dials, proves, and has a frame echoed; what came back, and how long all of it took. */
  async echo(args: { to: Address; text: string }): Promise<{ text: unknown; remoteId: string; ms: number }> {
    const started = performance.now()
    const stream = await protocol.connect(args.to)
    const connection = new Connection(stream)
    const reply = new Promise<unknown>((resolve) => {
      connection.onMessage(({ body }) => resolve(body))
    })
    await connection.send({ header: 'echo', id: 1, body: args.text })
    const text = await reply
    const ms = performance.now() - started
    await connection.close()
    return { text, remoteId: stream.remoteId.toString(), ms }
  },

  /** Dials expecting somebody else; the code of the refusal. */
  async dialStranger(to: Address): Promise<string> {
    return codeOf(async () => (await protocol.connect(to, { expect: stranger })).duplex.destroy())
  },

  /** Dials where nothing can be; the code of the refusal. */
  async dialNowhere(to: Address): Promise<string> {
    return codeOf(async () => (await protocol.connect(to, { timeoutMs: 1_000 })).duplex.destroy())
  },

  /** A datagram socket, that sends multicast by `via` and hears `group` there if one is given. Its number. */
  async bind(args: { at: Address; via?: string; group?: string; share?: boolean }): Promise<number> {
    const { at, via, group, share = false } = args
    const multicast = via === undefined ? {} : { multicast: { interfaceAddress: via } }
    const socket = await protocol.bind({ ...at, shareAddress: share, ...multicast }, (bytes, from) => {
      heard.push({ text: Buffer.from(bytes).toString(), from: from.host })
    })
    if (group !== undefined && via !== undefined) socket.joinGroup(group, via)
    return sockets.push(socket) - 1
  },

  async send(args: { socket: number; to: Address; text: string }): Promise<void> {
    await sockets[args.socket]?.send(Buffer.from(args.text), args.to)
  },

  /** What came since the last time it was asked. */
  heard(): { text: string; from: string }[] {
    return heard.splice(0)
  },
}

async function codeOf(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt()
    return 'none'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

serve(handlers)
