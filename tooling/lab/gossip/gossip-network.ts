/** Many nodes that gossip with each other. Everybody is in everybody's view, as membership would have it; crashes are not told. */
import { type GossipLimits, type Rumor, verifyRumor } from '@pc/gossip'
import { openNetwork, type PeerId } from '@pc/identity'
import type { SeededRandom } from '@pc/testkit'
import { NULL_CIPHER_FROM, nullNetwork } from '../kad/null-exchange.js'
import type { Lab } from '../lab.js'
import { GossipNode, type GossipNodeOptions, textOf } from './gossip-node.js'

export type NodeOptions = Pick<GossipNodeOptions, 'answer' | 'offsetMs' | 'onSend'> & { readonly limits?: GossipLimits }

export class GossipNetwork {
  readonly nodes: GossipNode[] = []
  readonly random: SeededRandom
  readonly #byId = new Map<string, GossipNode>()
  /** Signatures that somebody has checked, by the bytes they are under. */
  readonly #verified = new Map<string, boolean>()

  private constructor(lab: Lab) {
    this.random = lab.random.stream('everybody')
  }

  /** As many nodes, started, each with everybody in its view. None has a session yet. */
  static async start(
    lab: Lab,
    count: number,
    optionsOf: (index: number) => NodeOptions = () => ({}),
  ): Promise<GossipNetwork> {
    const network = new GossipNetwork(lab)
    const nullCipher = count >= NULL_CIPHER_FROM
    const shared = {
      network: nullCipher ? nullNetwork() : openNetwork('lab'),
      nullCipher,
      nodes: network.#byId,
      verify: (rumor: Rumor, origin: PeerId) => network.#verify(rumor, origin),
    }
    lab.figure('null_cipher', nullCipher ? 1 : 0)
    for (let index = 0; index < count; index++) {
      const node = new GossipNode(lab, index, { ...shared, ...optionsOf(index) })
      network.nodes.push(node)
      network.#byId.set(textOf(node.identity.id.bytes), node)
    }
    for (const node of network.nodes) await node.bind()
    for (const node of network.nodes) node.start()
    return network
  }

  get alive(): GossipNode[] {
    return this.nodes.filter(({ alive }) => alive)
  }

  /** Rumors that were sent so far, with all they carry, by datagram and in exchanges. */
  get payloads(): number {
    return this.#sum((node) => {
      const { pushed, given } = node.gossip.status()
      return pushed + given + node.given.inExchanges
    })
  }

  /** Large bodies that were sent so far. */
  get bodies(): number {
    return this.#sum(({ given }) => given.bodies)
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()))
  }

  #sum(read: (node: GossipNode) => number): number {
    return this.nodes.reduce((total, node) => total + read(node), 0)
  }

  #verify(rumor: Rumor, origin: PeerId): boolean {
    const key = textOf(rumor.bytes)
    const verified = this.#verified.get(key) ?? verifyRumor(rumor, origin)
    this.#verified.set(key, verified)
    return verified
  }
}
