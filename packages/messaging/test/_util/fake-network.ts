/** A network of fake control connections: frames are really encoded and decoded, and can be held back, or lost. */
import { createIdentity, type PeerId } from '@pc/identity'
import { decodeMessage, encodeMessage, MAX_CONTROL_FRAME, type Message, type Value, WireError } from '@pc/wire'
import type { MessagingConnection, MessagingConnector } from '../../src/ports.js'

type Listener = (connection: MessagingConnection, message: Message) => void

export class FakeNetwork {
  readonly nodes = new Map<string, FakeNode>()
  /** While true, frames wait. */
  held = false
  #frames: (() => void)[] = []

  node(seed: number): FakeNode {
    const node = new FakeNode(this, createIdentity(new Uint8Array(32).fill(seed)).id)
    this.nodes.set(node.self.toString(), node)
    return node
  }

  carry(deliver: () => void): void {
    if (this.held) this.#frames.push(deliver)
    else setImmediate(deliver)
  }

  release(): void {
    this.held = false
    for (const deliver of this.#frames.splice(0)) setImmediate(deliver)
  }

  /** Loses what is held. */
  lose(): void {
    this.held = false
    this.#frames = []
  }
}

export class FakeNode implements MessagingConnector {
  readonly self: PeerId
  readonly network: FakeNetwork
  online = true
  dials = 0
  /** When set, dials wait for it. */
  gate: Promise<void> | undefined
  readonly #connections = new Map<string, FakeConnection>()
  readonly #listeners = new Set<Listener>()

  constructor(network: FakeNetwork, self: PeerId) {
    this.network = network
    this.self = self
  }

  readonly events = {
    on: (_event: 'frame', listener: Listener): unknown => this.#listeners.add(listener),
    off: (_event: 'frame', listener: Listener): unknown => this.#listeners.delete(listener),
  }

  get listeners(): number {
    return this.#listeners.size
  }

  current(peer: PeerId): FakeConnection | undefined {
    return this.#connections.get(peer.toString())
  }

  async control(peer: PeerId, options: { signal?: AbortSignal } = {}): Promise<FakeConnection> {
    if (peer.equals(this.self)) throw Object.assign(new Error('that is this peer'), { code: 'SELF_DIALLED' })
    const open = this.current(peer)
    if (open !== undefined) return open
    this.dials++
    if (this.gate !== undefined) await until(this.gate, options.signal)
    const other = this.network.nodes.get(peer.toString())
    if (other === undefined || !other.online) {
      throw Object.assign(new Error('nobody answers there'), { code: 'PEER_UNREACHABLE' })
    }
    return this.connectTo(other)
  }

  /** Makes a new connection, which both sides use from now on; the old one stays open. */
  connectTo(other: FakeNode): FakeConnection {
    const [ours, theirs] = [new FakeConnection(this, other.self), new FakeConnection(other, this.self)]
    ours.other = theirs
    theirs.other = ours
    this.adopt(ours)
    other.adopt(theirs)
    return ours
  }

  adopt(connection: FakeConnection): void {
    this.#connections.set(connection.peer.toString(), connection)
  }

  drop(connection: FakeConnection): void {
    const key = connection.peer.toString()
    if (this.#connections.get(key) === connection) this.#connections.delete(key)
  }

  deliver(connection: FakeConnection, message: Message): void {
    for (const listener of this.#listeners) listener(connection, message)
  }
}

export class FakeConnection implements MessagingConnection {
  readonly peer: PeerId
  readonly remoteAddress = { host: '127.0.0.1', port: 1 }
  readonly closed: Promise<unknown>
  /** Everything sent over it, in order. */
  readonly sent: Message[] = []
  other: FakeConnection | undefined
  isClosed = false
  /** While true, `send` hands over but does not settle, as a connection whose other side stopped reading. */
  stuck = false
  readonly #node: FakeNode
  #resolve: (reason: unknown) => void = () => {}
  #id = 0

  constructor(node: FakeNode, peer: PeerId) {
    this.#node = node
    this.peer = peer
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  nextId(): number {
    return ++this.#id
  }

  async send(header: string, id: number, body: Value): Promise<void> {
    if (this.isClosed) throw Object.assign(new Error('the connection is closed'), { code: 'CONNECTION_CLOSED' })
    const bytes = encodeMessage({ header, id, version: 1, body, peerId: null })
    if (bytes.length > MAX_CONTROL_FRAME) throw new WireError('TOO_LARGE', `${bytes.length} bytes`)
    this.sent.push(decodeMessage(bytes))
    const { other } = this
    this.#node.network.carry(() => other?.receive(decodeMessage(bytes)))
    if (this.stuck) await new Promise(() => {})
  }

  receive(message: Message): void {
    if (!this.isClosed) this.#node.deliver(this, message)
  }

  async ping(options: { signal?: AbortSignal } = {}): Promise<number> {
    options.signal?.throwIfAborted()
    return 1
  }

  /** Ends both sides; what is under way is lost. */
  cut(): void {
    this.end()
    this.other?.end()
  }

  headers(): string[] {
    return this.sent.map((message) => message.header)
  }

  end(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#node.drop(this)
    this.#resolve({ code: 'FAILED', polite: false })
  }
}

function until(gate: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    gate.then(resolve, reject)
  })
}
