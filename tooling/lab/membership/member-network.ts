/** Many nodes that know each other, each with control connections to five others, and what they said of whom when. */
import { openNetwork, PeerId } from '@pc/identity'
import { type MembershipEvent, type MembershipLimits, type Statement, verifyStatement } from '@pc/membership'
import type { SeededRandom } from '@pc/testkit'
import { PeerBook } from '@pc/transport'
import { nullNetwork } from '../kad/null-exchange.js'
import type { Lab } from '../lab.js'
import { MemberNode, type SharedParts } from './member-node.js'

/** From here on sessions have no keys (the rules of measuring allow it, and it is said with each run). */
const NULL_CIPHER_FROM = 500
/** Until sessions and connections stand and the first round of probes has gone by. */
const SETTLE_MS = 12_000

const MAX_DIALS = 5

/** Somebody said that somebody is offline. */
export interface Verdict {
  readonly by: MemberNode
  readonly about: string
  readonly at: number
  readonly reason: string
}

export class MemberNetwork {
  readonly nodes: MemberNode[] = []
  readonly verdicts: Verdict[] = []
  /** The same for what is less: that somebody is in doubt. */
  readonly doubts: Verdict[] = []
  readonly random: SeededRandom
  readonly #lab: Lab
  readonly #shared: SharedParts
  readonly #linked = new Map<MemberNode, Set<MemberNode>>()
  static #machines = new WeakMap<Lab, number>()

  constructor(lab: Lab, expected: number, limits: MembershipLimits = {}) {
    this.#lab = lab
    this.random = lab.random.stream('members')
    const nullCipher = expected >= NULL_CIPHER_FROM
    lab.figure('null_cipher', nullCipher ? 1 : 0)
    const ids = new Map<string, PeerId>()
    const checked = new Map<string, boolean>()
    this.#shared = {
      network: nullCipher ? nullNetwork() : openNetwork('lab'),
      nullCipher,
      limits,
      nodes: new Map(),
      book: new PeerBook(),
      known: (id) => {
        const key = Buffer.from(id).toString('latin1')
        const known = ids.get(key) ?? PeerId.fromBytes(id)
        ids.set(key, known)
        return known
      },
      verify: (statement, signer) => verifyOnce(checked, statement, signer),
      onEvent: (node, event) => this.#note(node, event),
    }
  }

  get alive(): MemberNode[] {
    return this.nodes.filter(({ alive }) => alive)
  }

  /** So many machines, all of which know all, and have control connections to about five others. */
  async grow(count: number): Promise<void> {
    const from = MemberNetwork.#machines.get(this.#lab) ?? 0
    MemberNetwork.#machines.set(this.#lab, from + count)
    for (let index = 0; index < count; index++) {
      const node = new MemberNode(this.#lab, from + index, this.#shared)
      this.nodes.push(node)
      this.#shared.nodes.set(node.id.toString(), node)
      this.#shared.book.upsert(node.record)
      await node.start()
    }
    await Promise.all(this.nodes.flatMap((node, index) => this.#partnersOf(index).map((to) => this.#connect(node, to))))
    for (const node of this.nodes) {
      node.meet(this.nodes)
      node.watch()
    }
    await this.#lab.sleep(SETTLE_MS)
  }

  /** Who has a control connection to a node. */
  linkedTo(node: MemberNode): ReadonlySet<MemberNode> {
    return this.#linked.get(node) ?? new Set()
  }

  /** Verdicts about a node from a moment on, the first of each. */
  verdictsOn(node: MemberNode, since: number): Map<MemberNode, number> {
    const found = new Map<MemberNode, number>()
    const about = node.id.toString()
    for (const verdict of this.verdicts) {
      if (verdict.about === about && verdict.at >= since && !found.has(verdict.by)) found.set(verdict.by, verdict.at)
    }
    return found
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()))
  }

  /** Around a circle the next two, and for every other node the one opposite: five connections each. */
  #partnersOf(index: number): MemberNode[] {
    const { length } = this.nodes
    const steps = [1, 2, ...(index < Math.floor(length / 2) ? [Math.floor(length / 2)] : [])]
    const others = steps.map((step) => this.nodes[(index + step) % length])
    return [...new Set(others)].filter((one): one is MemberNode => one !== undefined && one !== this.nodes[index])
  }

  async #connect(from: MemberNode, to: MemberNode): Promise<void> {
    // Of thousands of dials some lose both their SYNs: they are made again.
    for (let dials = 1; from.connector.current(to.id) === undefined; dials++) {
      await from.connector.control(to.id).catch((error: unknown) => {
        if (dials === MAX_DIALS) throw error
      })
    }
    this.#linkSet(from).add(to)
    this.#linkSet(to).add(from)
  }

  #linkSet(node: MemberNode): Set<MemberNode> {
    const known = this.#linked.get(node) ?? new Set()
    this.#linked.set(node, known)
    return known
  }

  #note(by: MemberNode, event: MembershipEvent): void {
    if (event.type !== 'offline' && event.type !== 'checking') return
    const { type, peer, reason } = event
    const said = type === 'offline' ? this.verdicts : this.doubts
    said.push({ by, about: peer.toString(), at: this.#lab.now(), reason })
    if (type === 'offline' && reason !== 'left')
      this.#lab.log.add(this.#lab.now(), `${by.name}: ${event.record.name} is offline (${reason}: ${event.detail})`)
  }
}

function verifyOnce(checked: Map<string, boolean>, statement: Statement, signer: PeerId): boolean {
  const key = Buffer.from(statement.bytes).toString('latin1') + signer.toString()
  const known = checked.get(key)
  if (known !== undefined) return known
  const good = verifyStatement(statement, signer)
  checked.set(key, good)
  return good
}
