/**
 * A machine of the same local network without the network's secret: it dials, lets itself be dialled, repeats what it heard and what
 * was captured elsewhere, and makes up what it can. Whatever comes back is kept, and given to whoever asks.
 */
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { createCertificate, createIdentity, type Network, openNetwork, signPeerRecord } from '@pc/identity'
import { encodeFrame, PROTOCOL_VERSION, type Value } from '@pc/wire'
import {
  announcement,
  cookie,
  initiation,
  recordRequest,
  reset,
  response,
  sessionDatagram,
} from '../forged-datagrams.js'
import { serve } from './serve.js'

/** Something that came to this machine. */
export interface Drawn {
  readonly where: string
  readonly base64: string
}

/** What is done with a connection once it stands. */
export type Way = 'silence' | 'noise' | 'tls' | 'tls-behind-challenge' | 'mirror' | 'half' | 'replay' | 'replay-late'

const PEER_PORT = 3485
const SHARED_PORT = 3486
const GROUP = '239.1.11.11'
const CHALLENGE_BYTES = 32
/** Beyond, nothing new is learnt. */
const MAX_DRAWN = 20_000
const MAX_HEARD = 64
/** Where an announcement names its sender's boot. */
const [BOOT_START, BOOT_END] = [12, 20]
/** One datagram from each address, to each door of each member: below the 20 in a second that a member takes of one address. */
const TURN_MS = 180
/** What a dial to here may take. */
const ACCEPTED_MS = 5_000

const identity = createIdentity()
const CREDENTIALS: ConnectionOptions = {
  ...createCertificate(identity),
  ALPNProtocols: ['pc/1'],
  minVersion: 'TLSv1.3',
  sigalgs: 'ed25519',
  ecdhCurve: 'X25519',
  rejectUnauthorized: false,
}
const drawn: Drawn[] = []
/** The newest announcement of each boot. */
const heard = new Map<string, Buffer>()
let network: Network = openNetwork('peerconnect')
let members: readonly string[] = []
let own: readonly string[] = []
/** One for each own address. */
const senders: UdpSocket[] = []
let accepted = 0
let turns = 0

export const handlers = {
  /** Listens wherever a member would, at all own addresses, and repeats from now on what it hears. `members` are addresses. */
  async settle(args: { addresses: readonly string[]; network: string; members: readonly string[] }): Promise<void> {
    own = args.addresses
    members = args.members
    network = openNetwork(args.network)
    for (const address of own) {
      const socket = await listenUdp(PEER_PORT, address)
      socket.setMulticastInterface(address)
      senders.push(socket)
    }
    const shared = await listenUdp(SHARED_PORT, '0.0.0.0')
    shared.addMembership(GROUP, own[0])
    const server = createServer((socket) => void accept(socket))
    server.listen(PEER_PORT, '0.0.0.0')
    await once(server, 'listening')
    setInterval(repeatOne, TURN_MS)
  },

  /** Opens a connection, does as told, and keeps what comes until the other side ends it or `ms` are over. */
  async dial(args: { to: string; way: Way; ms: number; base64?: string }): Promise<'open' | 'closed' | 'refused'> {
    const { to, way, ms, base64 = '' } = args
    const over = AbortSignal.timeout(ms)
    const localAddress = own[turns++ % own.length] ?? ''
    const socket = connect({ host: to, port: PEER_PORT, localAddress })
    socket.on('error', () => socket.destroy())
    socket.on('data', (bytes: Buffer) => note(`${way} to ${to}`, bytes))
    const closed = new Promise<'closed'>((resolve) => socket.once('close', () => resolve('closed')))
    const connected = once(socket, 'connect', { signal: over }).then(
      () => true,
      () => false,
    )
    if (!(await connected)) {
      socket.destroy()
      return 'refused'
    }
    void behave(socket, way, Buffer.from(base64, 'base64'), over)
    const end = await Promise.race([closed, aborted(over).then(() => 'open' as const)])
    socket.destroy()
    return end
  },

  /** Each kind of datagram, for sessions with these indexes and one of nobody's. How many were sent. */
  async forge({ indexes }: { indexes: readonly number[] }): Promise<number> {
    const named = [randomBytes(4).readUInt32BE(), ...indexes]
    return everywhere([
      announcement(network, randomBytes, PEER_PORT, Date.now()),
      recordRequest(network, randomBytes),
      initiation(network, randomBytes),
      ...named.flatMap((index) => [
        response(network, randomBytes, index),
        cookie(network, randomBytes, index),
        reset(network, index),
        ...[0x00, 0x02, 0x03, 0x04, 0x80].map((rootCode) => sessionDatagram(rootCode, randomBytes, index)),
      ]),
      randomBytes(100),
    ])
  },

  /** Captured datagrams once more, from this machine's own addresses. How many were sent. */
  async replay({ base64 }: { base64: readonly string[] }): Promise<number> {
    return everywhere(base64.map((one) => Buffer.from(one, 'base64')))
  },

  /** Everything that came until now. */
  drawn(): readonly Drawn[] {
    return drawn
  },

  /** How often others have dialled this machine. */
  dialled(): number {
    return accepted
  },
}

async function listenUdp(port: number, address: string): Promise<UdpSocket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: port === SHARED_PORT })
  socket.on('message', (bytes, from) => {
    if (own.includes(from.address)) return
    note(`datagram of ${from.address} to ${port}`, bytes)
    const boot = bytes.toString('hex', BOOT_START, BOOT_END)
    if (port === SHARED_PORT && (heard.size < MAX_HEARD || heard.has(boot))) heard.set(boot, bytes)
  })
  socket.bind(port, address)
  await once(socket, 'listening')
  return socket
}

/** One boot after the other, again and again: it may be new to somebody who has just started. */
function repeatOne(): void {
  const turn = turns++
  const bytes = [...heard.values()][turn % Math.max(1, heard.size)]
  if (bytes === undefined) return
  for (const to of [GROUP, ...members]) senders[turn % senders.length]?.send(bytes, SHARED_PORT, to, () => {})
}

/** To each member's own port, to its shared one, and to the group. */
async function everywhere(datagrams: readonly Uint8Array[]): Promise<number> {
  let sent = 0
  for (const [index, bytes] of datagrams.entries()) {
    const sender = senders[index % senders.length]
    const doors = members.flatMap((to) => [PEER_PORT, SHARED_PORT].map((port) => ({ to, port })))
    for (const { to, port } of [...doors, { to: GROUP, port: SHARED_PORT }]) {
      sender?.send(bytes, port, to, () => {})
      sent += 1
    }
    if (index % senders.length === senders.length - 1) await pause(TURN_MS)
  }
  return sent
}

/** A dialler meets an acceptor that only guesses, its own words, TLS without a challenge, or silence, in turns. */
async function accept(socket: Socket): Promise<void> {
  const from = `dial by ${socket.remoteAddress}`
  const over = AbortSignal.timeout(ACCEPTED_MS)
  void aborted(over).then(() => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes: Buffer) => note(from, bytes))
  switch (accepted++ % 4) {
    case 0:
      socket.write(randomBytes(CHALLENGE_BYTES))
      await take(socket, 2 * CHALLENGE_BYTES, over)
      socket.write(randomBytes(CHALLENGE_BYTES))
      return serveTls(socket, from)
    case 1:
      return mirror(socket, over)
    case 2:
      return serveTls(socket, from)
  }
}

async function behave(socket: Socket, way: Way, captured: Buffer, over: AbortSignal): Promise<void> {
  switch (way) {
    case 'silence':
      return
    case 'noise':
      socket.write(randomBytes(600))
      return
    case 'tls':
      return dialTls(socket)
    case 'tls-behind-challenge':
      await take(socket, CHALLENGE_BYTES, over)
      socket.write(randomBytes(2 * CHALLENGE_BYTES))
      await take(socket, CHALLENGE_BYTES, over)
      return dialTls(socket)
    case 'mirror':
      return mirror(socket, over)
    case 'half':
      await take(socket, CHALLENGE_BYTES, over)
      socket.write(randomBytes(2 * CHALLENGE_BYTES - 1))
      return
    case 'replay':
      socket.write(captured)
      return
    case 'replay-late':
      await take(socket, CHALLENGE_BYTES, over)
      socket.write(captured)
      return
    default:
      way satisfies never
  }
}

/** Gives back the other side's own words: its challenge as one of ours, and as the proof. */
async function mirror(socket: Socket, over: AbortSignal): Promise<void> {
  const challenge = await take(socket, CHALLENGE_BYTES, over)
  socket.write(Buffer.concat([challenge, challenge]))
  socket.on('data', (bytes: Buffer) => socket.write(bytes))
}

function dialTls(socket: Socket): void {
  if (socket.destroyed) return
  speak(connectTls({ ...CREDENTIALS, socket }), `TLS to ${socket.remoteAddress}`, 'secureConnect')
}

function serveTls(socket: Socket, from: string): void {
  if (socket.destroyed) return
  speak(new TLSSocket(socket, { ...CREDENTIALS, isServer: true, requestCert: true }), `TLS of a ${from}`, 'secure')
}

/** Keeps the certificate and everything inside, and says HELLO as a peer of the open network of that name does. */
function speak(tls: TLSSocket, where: string, done: 'secureConnect' | 'secure'): void {
  tls.on('error', () => tls.destroy())
  tls.on('data', (bytes: Buffer) => note(`inside ${where}`, bytes))
  tls.once(done, () => {
    const certificate = tls.getPeerX509Certificate()
    if (certificate !== undefined) note(`certificate of ${where}`, certificate.raw)
    const record = signPeerRecord(identity, { sequence: 1, name: 'outsider', addresses: [], capabilities: [] })
    const body: Value = {
      version: [PROTOCOL_VERSION, PROTOCOL_VERSION],
      boot: randomBytes(8),
      kind: 'control',
      record: record.bytes,
      features: [],
      network: network.keyId,
    }
    tls.write(encodeFrame({ header: 'pc/hello', id: 0, version: PROTOCOL_VERSION, body, peerId: null }))
  })
}

function note(where: string, bytes: Uint8Array): void {
  if (drawn.length < MAX_DRAWN) drawn.push({ where, base64: Buffer.from(bytes).toString('base64') })
}

/** Resolves with so many bytes, or with fewer when nothing more comes. */
function take(socket: Socket, count: number, over: AbortSignal): Promise<Buffer> {
  return new Promise((resolve) => {
    let came = Buffer.alloc(0)
    const done = (): void => {
      socket.off('data', onData)
      resolve(came.subarray(0, count))
    }
    const onData = (bytes: Buffer): void => {
      came = Buffer.concat([came, bytes])
      if (came.length >= count) done()
    }
    socket.on('data', onData)
    socket.once('close', done)
    void aborted(over).then(done)
  })
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

serve(handlers)
