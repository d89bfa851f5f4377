/** Many nodes of one directory, and who is nearest to what as somebody sees it who knows everybody. */
import { type Network, openNetwork, type PeerId, type SignedPeerRecord } from '@pc/identity'
import { compareDistance, type Position } from '@pc/kademlia'
import type { SeededRandom } from '@pc/testkit'
import type { Lab } from '../lab.js'
import { KadNode, type KadNodeOptions } from './kad-node.js'
import { NULL_CIPHER_FROM, nullNetwork } from './null-exchange.js'

/** The first nodes, which everybody else is told of. */
export const SEEDS = 8
/** Seeds that one newcomer is told of: those that happened to answer its discovery. */
const HINTS = 3
const K = 20

export type NodeOptions = Pick<KadNodeOptions, 'kademlia' | 'answer'>

export class KadNetwork {
  readonly nodes: KadNode[] = []
  /** Requests of each node until it had joined. */
  readonly requestsToJoin: number[] = []
  readonly random: SeededRandom
  readonly nullCipher: boolean
  /** Of all nodes. */
  readonly network: Network
  readonly #lab: Lab
  readonly #ids = new Map<string, PeerId>()
  /** Records that somebody has read: their signatures hold for everybody. */
  readonly #records = new Map<string, SignedPeerRecord>()
  #added = 0

  /** @param expected nodes there will be at a time */
  constructor(lab: Lab, expected: number) {
    this.#lab = lab
    this.random = lab.random.stream('directory')
    this.nullCipher = expected >= NULL_CIPHER_FROM
    this.network = this.nullCipher ? nullNetwork() : openNetwork('lab')
    lab.figure('null_cipher', this.nullCipher ? 1 : 0)
  }

  get alive(): KadNode[] {
    return this.nodes.filter(({ alive }) => alive)
  }

  /** A further machine, whose node is started and knows nobody. */
  async add(options: NodeOptions = {}): Promise<KadNode> {
    const shared = { network: this.network, nullCipher: this.nullCipher, ids: this.#ids, records: this.#records }
    const node = new KadNode(this.#lab, this.#added++, { ...shared, ...options })
    this.nodes.push(node)
    this.#ids.set(node.contact.key, node.identity.id)
    await node.start()
    return node
  }

  /** Lets nodes join through the first 8, evenly over that time, and returns when all have. */
  async grow(
    count: number,
    overMs: number,
    optionsOf: (index: number) => NodeOptions = () => ({}),
    onAdded: (node: KadNode, index: number) => void = () => {},
  ): Promise<void> {
    const joining: Promise<void>[] = []
    for (let index = 0; index < count; index++) {
      const node = await this.add(optionsOf(index))
      onAdded(node, index)
      if (index > 0) joining.push(this.join(node))
      // The first has nobody to join before there is a second.
      if (index === 1) joining.push(this.join(this.nodes[0] as KadNode))
      if (index >= SEEDS) await this.#lab.sleep(overMs / Math.max(1, count - SEEDS))
    }
    await Promise.all(joining)
  }

  /** Lets a node join through some of those, or of the first 8, that live. */
  async join(node: KadNode, through: readonly KadNode[] = this.nodes.slice(0, SEEDS)): Promise<void> {
    const seeds = through.filter((each) => each.alive && each !== node)
    const hints = this.random.shuffle(seeds).slice(0, HINTS)
    await node.kademlia.join(hints.map(({ contact }) => contact))
    this.requestsToJoin.push(node.kademlia.status().requestsSent)
  }

  /** Lets a node crash, and forgets it. */
  crash(node: KadNode): void {
    node.crash()
    this.nodes.splice(this.nodes.indexOf(node), 1)
  }

  /** Of those that live: the nearest to a target, as keys. `except` asks, and is not told of itself. */
  nearest(target: Position, except: KadNode, among: readonly KadNode[] = this.alive): string[] {
    const others = among.filter((node) => node !== except)
    others.sort((a, b) => compareDistance(target, a.contact.position, b.contact.position))
    return others.slice(0, K).map(({ contact }) => contact.key)
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()))
  }
}
