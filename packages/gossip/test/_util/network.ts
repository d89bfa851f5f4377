/**
 * A network of bare state machines on a virtual clock: links with the delay of a local network (0.3 ms and an exponential 0.7 ms more), independent
 * loss, partitions and crashes. Everything is drawn from one seed.
 */
import { createIdentity, type Identity, type PeerId } from '@pc/identity'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import type { Effect, GossipMessage, Input } from '../../src/events.js'
import type { GossipLimits } from '../../src/options.js'
import { type Rumor, verifyRumor } from '../../src/rumor.js'
import { GossipState } from '../../src/state.js'

const LEAST_DELAY_MS = 0.3
const MEAN_DELAY_MS = 0.7

export interface NetworkOptions {
  readonly seed: string
  readonly nodes: number
  /** Of datagrams, from 0 to 1. */
  readonly loss?: number
  readonly limits?: GossipLimits
  /** What a node answers to a query. */
  readonly answer?: (node: TestNode, query: GossipMessage) => Uint8Array | undefined
  /** How far each node's own clock is off: what it counts is the same. */
  readonly offsetMs?: (index: number) => number
}

export interface Delivery {
  readonly node: TestNode
  readonly message: GossipMessage
  readonly at: number
}

export class TestNode {
  readonly index: number
  readonly identity: Identity
  readonly state: GossipState
  readonly offsetMs: number
  alive = true
  /** Nodes of different sides do not reach each other. */
  side = 0
  timer: unknown
  readonly hits: { from: PeerId; at: number }[] = []

  constructor(index: number, identity: Identity, state: GossipState, offsetMs: number) {
    this.index = index
    this.identity = identity
    this.state = state
    this.offsetMs = offsetMs
  }
}

export class TestNetwork {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: SeededRandom
  readonly nodes: TestNode[] = []
  readonly deliveries: Delivery[] = []
  bytes = 0
  fetches = 0
  readonly #options: NetworkOptions
  readonly #byId = new Map<string, TestNode>()
  /** Each signature is checked once: what a check costs is not what is measured here. */
  readonly #verified = new Map<string, boolean>()

  constructor(options: NetworkOptions) {
    this.#options = options
    this.random = new SeededRandom(options.seed)
    for (let index = 0; index < options.nodes; index++) this.#addNode(index)
    for (const node of this.nodes) for (const other of this.nodes) this.#up(node, other)
    this.clock.advanceSync(3_000)
  }

  feed(node: TestNode, input: Input): readonly Effect[] {
    if (!node.alive) return []
    const effects = node.state.handle(input, this.clock.now() + node.offsetMs)
    for (const effect of effects) this.#perform(node, effect)
    return effects
  }

  publish(node: TestNode, body: Uint8Array, ttlMs = 6_000): void {
    this.feed(node, { type: 'publish', topic: 'news', body, options: { ttlMs, createdAt: 1 } })
  }

  /** Both notice it at once. */
  split(sideOf: (node: TestNode) => number): void {
    for (const node of this.nodes) node.side = sideOf(node)
    for (const node of this.nodes) {
      for (const other of this.nodes) {
        if (node.side !== other.side) this.feed(node, { type: 'peer-down', peer: other.identity.id })
        else this.#up(node, other)
      }
    }
  }

  /** Nodes that nobody has noticed to be gone. */
  crash(nodes: readonly TestNode[]): void {
    for (const node of nodes) {
      node.alive = false
      this.clock.clearTimeout(node.timer)
    }
  }

  sum(read: (node: TestNode) => number): number {
    return this.nodes.reduce((total, node) => total + read(node), 0)
  }

  #addNode(index: number): void {
    const identity = createIdentity(this.random.stream(`key ${index}`).bytes(32))
    const chance = this.random.stream(`chance ${index}`)
    const offsetMs = this.#options.offsetMs?.(index) ?? 0
    const state = new GossipState({
      identity,
      boot: 1,
      random: () => chance.float(),
      now: offsetMs,
      verify: (rumor, origin) => this.#verify(rumor, origin),
      ...this.#options.limits,
    })
    const node = new TestNode(index, identity, state, offsetMs)
    this.nodes.push(node)
    this.#byId.set(identity.id.toString(), node)
  }

  #up(node: TestNode, other: TestNode): void {
    if (node !== other) this.feed(node, { type: 'peer-up', peer: other.identity.id })
  }

  #verify(rumor: Rumor, origin: PeerId): boolean {
    const key = Buffer.from(rumor.bytes).toString('latin1')
    const verified = this.#verified.get(key) ?? verifyRumor(rumor, origin)
    this.#verified.set(key, verified)
    return verified
  }

  #perform(node: TestNode, effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.bytes += effect.bytes.length
        this.#carry(node, effect.to, this.#options.loss ?? 0, (to) => {
          this.feed(to, { type: 'datagram', from: node.identity.id, bytes: effect.bytes })
        })
        return
      case 'exchange':
        this.#carry(node, effect.to, 0, (to) => {
          const asked = this.feed(to, { type: 'exchange-asked', from: node.identity.id, bytes: effect.bytes })
          const reply = asked.find(({ type }) => type === 'reply')
          if (reply?.type !== 'reply') return
          this.#carry(to, node.identity.id, 0, () => {
            this.feed(node, { type: 'exchange-answered', from: effect.to, bytes: reply.bytes })
          })
        })
        return
      case 'fetch':
        this.#carry(node, effect.from, 0, (to) => {
          const body = to.state.body(effect.reference.hash, this.clock.now() + to.offsetMs)
          if (body !== undefined) this.fetches += 1
          this.#carry(to, node.identity.id, 0, () => {
            const { key, from } = effect
            this.feed(
              node,
              body === undefined ? { type: 'fetch-failed', key, from } : { type: 'fetched', key, from, body },
            )
          })
        })
        return
      case 'deliver':
        this.deliveries.push({ node, message: effect.message, at: this.clock.now() })
        return
      case 'query': {
        const answer = this.#options.answer?.(node, effect.query)
        if (answer !== undefined) this.feed(node, { type: 'answer', query: effect.query.id, answer })
        return
      }
      case 'hit':
        node.hits.push({ from: effect.from, at: this.clock.now() })
        return
      case 'wake':
        this.clock.clearTimeout(node.timer)
        node.timer = this.clock.setTimeout(() => this.feed(node, { type: 'wake' }), effect.after)
        return
      default:
        return
    }
  }

  #carry(node: TestNode, to: PeerId, loss: number, arrive: (to: TestNode) => void): void {
    const other = this.#byId.get(to.toString())
    if (other === undefined || other.side !== node.side || this.random.chance(loss)) return
    this.clock.setTimeout(() => {
      if (other.alive && other.side === node.side) arrive(other)
    }, LEAST_DELAY_MS + this.random.exponential(MEAN_DELAY_MS))
  }
}
