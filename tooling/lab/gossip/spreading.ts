/** News that are published, and when each node has them. */
import type { GossipMessage } from '@pc/gossip'
import { quantile } from '../figures.js'
import type { Lab } from '../lab.js'
import type { GossipNetwork } from './gossip-network.js'
import { type GossipNode, textOf } from './gossip-node.js'

interface Told {
  readonly origin: GossipNode
  readonly at: number
  /** ms after it was published, by index of the node. */
  readonly came: Map<number, number>
}

export class Spreading {
  twice = 0
  readonly #lab: Lab
  readonly #network: GossipNetwork
  readonly #told = new Map<string, Told>()
  readonly #feeds: AsyncIterableIterator<GossipMessage>[] = []

  /** Listens at every node from now on. */
  constructor(lab: Lab, network: GossipNetwork) {
    this.#lab = lab
    this.#network = network
    for (const node of network.alive) {
      const news = node.gossip.subscribe({ topic: 'news' })
      this.#feeds.push(news)
      void this.#listen(node, news)
    }
  }

  get count(): number {
    return this.#told.size
  }

  /** @param ttlMs how long it is news, by the default of gossip unless it is given */
  publish(origin: GossipNode, body: Uint8Array, ttlMs?: number): void {
    const id = origin.gossip.publish('news', body, ttlMs === undefined ? {} : { ttlMs })
    this.#told.set(textOf(id), { origin, at: this.#lab.now(), came: new Map() })
  }

  /** Nodes that live and lack something, summed over all rumors. */
  get lacking(): number {
    const alive = this.#network.alive
    let lacking = 0
    for (const { origin, came } of this.#told.values()) {
      for (const node of alive) if (node !== origin && !came.has(node.index)) lacking += 1
    }
    return lacking
  }

  /** Of all pairs of a rumor and a node that lives and is not its origin: the share in which the node has it. */
  get reach(): number {
    const alive = this.#network.alive
    let expected = 0
    for (const { origin } of this.#told.values()) expected += alive.length - (origin.alive ? 1 : 0)
    return 1 - this.lacking / expected
  }

  /** From publishing to delivery: of all deliveries, and of the slowest. */
  times(): { p50: number | undefined; p99: number | undefined; last: number | undefined } {
    const ms = [...this.#told.values()].flatMap(({ came }) => [...came.values()])
    return { p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), last: quantile(ms, 1) }
  }

  async close(): Promise<void> {
    await Promise.all(this.#feeds.map((news) => news.return?.()))
  }

  async #listen(node: GossipNode, news: AsyncIterableIterator<GossipMessage>): Promise<void> {
    for await (const { id } of news) this.#came(node, id)
  }

  #came(node: GossipNode, id: Uint8Array): void {
    const told = this.#told.get(textOf(id))
    // Of another measurement.
    if (told === undefined) return
    if (told.came.has(node.index)) this.twice += 1
    else told.came.set(node.index, this.#lab.now() - told.at)
  }
}
