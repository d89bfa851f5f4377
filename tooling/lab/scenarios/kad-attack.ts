/**
 * A part of all nodes lies: they name each other or nobody, hide values and take what they are given away. Are values found all the same, by
 * lookups over disjoint paths? Does anybody keep what must not be stored, and does anybody get into a table who was not proved to be there?
 */
import { RequestsEndpoint } from '@pc/dispatch'
import { type DhtRecord, plainRecord } from '@pc/kademlia'
import type { SeededRandom } from '@pc/testkit'
import type { Address, DatagramSocket } from '@pc/transport'
import { RootCode } from '@pc/wire'
import { quantile } from '../figures.js'
import { heldBytes } from '../held-bytes.js'
import { KadLiars } from '../kad/kad-liars.js'
import { KadNetwork, SEEDS } from '../kad/kad-network.js'
import type { KadNode } from '../kad/kad-node.js'
import { KINDS, StoreAttack } from '../kad/kad-stores.js'
import { share } from '../kad/lookups.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const JOIN_MS = 60_000
const SETTLE_MS = 30_000
/** Over so many paths values are stored, and got at the most. */
const MOST_PATHS = 8
/** Attackers with each their victim, and stores that are on the way at a time. */
const PAIRS = 20
const AT_ONCE = 5
const MIB = 1_048_576
const ASK_MS = 500

export const kadAttack: Scenario = {
  kind: 'scenario',
  name: 'kad-attack',
  summary: 'nodes that lie: are values found over disjoint paths, and is everything refused that must be?',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes', min: 30, max: 10_000, whole: true, default: 1_000 },
    attackers: { help: 'share of them that lies', min: 0, max: 0.5, default: 0.2 },
    values: { help: 'values stored while they lie', min: 1, max: 100_000, whole: true, default: 300 },
    gets: { help: 'lookups of them, for each number of paths', min: 1, max: 100_000, whole: true, default: 1_000 },
    stores: { help: 'stores that must be refused', min: 1, max: 1_000_000, whole: true, default: 10_000 },
    spoofed: { help: 'requests from addresses that are not their senders’', min: 1, max: 100_000, default: 1_000 },
  },
  run: async (lab: Lab) => {
    const attack = new Attack(lab)
    await attack.grow()
    await attack.put()
    const bar = (atLeast: number): { atLeast?: number } => (lab.option('attackers') <= 0.2 ? { atLeast } : {})
    const bars: Record<number, { atLeast?: number }> = { 4: bar(0.95), 8: bar(0.99) }
    for (const [paths, gets] of await attack.get([1, 4, MOST_PATHS])) {
      lab.figure(
        `find_value_success_d${paths}`,
        share(gets, ({ found }) => found),
        bars[paths],
      )
      const ms = gets.map((each) => each.ms)
      lab.figure(`get_d${paths}_p50_ms`, quantile(ms, 0.5))
      lab.figure(`get_d${paths}_p99_ms`, quantile(ms, 0.99))
    }

    const stores = await attack.store()
    lab.figure('refused_share', stores.refused, { atLeast: 1 })
    lab.figure('records_added', stores.added, { atMost: 0 })
    lab.figure('heap_growth_mb', stores.grownMib, { atMost: 1 })

    await attack.spoof()
    lab.figure('unproved_inserted', attack.unproved(), { atMost: 0 })
    lab.figure('honest_share_of_tables', attack.honestShare(), bar(0.75))
    await attack.close()
  },
}

class Attack {
  readonly #lab: Lab
  readonly #network: KadNetwork
  readonly #random: SeededRandom
  readonly #liars: KadLiars
  readonly #honest: KadNode[] = []
  readonly #lying: KadNode[] = []
  readonly #records: DhtRecord[] = []

  constructor(lab: Lab) {
    this.#lab = lab
    this.#network = new KadNetwork(lab, lab.option('nodes'))
    this.#random = lab.random.stream('attack')
    this.#liars = new KadLiars(this.#random.stream('lies'))
  }

  /** The first nodes are honest: who meets nobody but liars has no chance in any network. */
  async grow(): Promise<void> {
    const nodes = this.#lab.option('nodes')
    const others = Array.from({ length: nodes - SEEDS }, (_, index) => SEEDS + index)
    const lying = this.#random.shuffle(others).slice(0, Math.round(this.#lab.option('attackers') * nodes))
    // Half of them name each other, half of them ids that nobody has.
    const kinds = new Map(lying.map((index, rank) => [index, rank % 2 === 1]))
    await this.#network.grow(
      nodes,
      JOIN_MS,
      (index) => {
        const inventing = kinds.get(index)
        return inventing === undefined ? {} : { answer: (_kademlia, request) => this.#liars.answer(request, inventing) }
      },
      (node, index) => {
        if (!kinds.has(index)) this.#honest.push(node)
        else {
          this.#lying.push(node)
          this.#liars.add(node.contact)
        }
      },
    )
    await this.#lab.sleep(SETTLE_MS)
  }

  async put(): Promise<void> {
    for (let count = 0; count < this.#lab.option('values'); count++) {
      const record = plainRecord(this.#random.bytes(this.#random.integer(1, 400)))
      await this.#random.pick(this.#honest).kademlia.put(record, { keep: false, paths: MOST_PATHS })
      this.#records.push(record)
    }
  }

  /** In turn with each number of paths, so that all meet the same tables; by somebody who does not hold the value. */
  async get(numbers: readonly number[]): Promise<Map<number, { found: boolean; ms: number }[]>> {
    const outcomes = new Map(numbers.map((paths) => [paths, [] as { found: boolean; ms: number }[]]))
    for (let count = 0; count < this.#lab.option('gets'); count++) {
      for (const [paths, gets] of outcomes) {
        const { key, bytes } = this.#random.pick(this.#records)
        const from = this.#lab.now()
        const found = await this.#readerOf(key)
          .kademlia.get(key, { paths })
          .then(
            (record) => Buffer.compare(record.bytes, bytes) === 0,
            () => false,
          )
        gets.push({ found, ms: this.#lab.now() - from })
      }
    }
    return outcomes
  }

  #readerOf(key: Uint8Array): KadNode {
    const holders = new Set(this.#network.nearest(key, this.#honest[0] as KadNode))
    return this.#random.pick(this.#honest.filter(({ contact }) => !holders.has(contact.key)))
  }

  /** Sends what must be refused, in turn of each kind, and says how much was, and what it left at the victims. */
  async store(): Promise<{ refused: number; added: number; grownMib: number }> {
    const attacks: StoreAttack[] = []
    const victims: KadNode[] = []
    for (let index = 0; index < PAIRS; index++) {
      const victim = this.#random.pick(this.#honest)
      const bystander = this.#random.pick(this.#honest.filter((node) => node !== victim))
      const attacker = this.#random.pick(this.#lying.length > 0 ? this.#lying : this.#honest.filter(isNot(victim)))
      attacks.push(await StoreAttack.begin({ attacker, victim, bystander, random: this.#random }))
      victims.push(victim)
    }
    const records = (): number => victims.reduce((sum, { kademlia }) => sum + kademlia.status().records, 0)
    let refused = 0
    let sent = 0
    const flood = async (count: number): Promise<void> => {
      const until = sent + count
      const next = async (): Promise<void> => {
        while (sent < until) {
          const turn = sent++
          const kind = KINDS[turn % KINDS.length] as (typeof KINDS)[number]
          if (await attacks[Math.floor(turn / KINDS.length) % attacks.length]?.refused(kind)) refused += 1
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, next))
    }
    // The first tenth makes sessions, and what the machine makes of code that runs for the first time.
    const all = this.#lab.option('stores')
    await flood(Math.ceil(all / 10))
    const before = { records: records(), held: heldBytes() }
    await flood(all - Math.ceil(all / 10))
    const grown = heldBytes() - before.held
    return { refused: refused / sent, added: records() - before.records, grownMib: Math.max(0, grown / MIB) }
  }

  /** Liars ask honest nodes from addresses that are not theirs: those of other nodes, and such as nobody has. */
  async spoof(): Promise<void> {
    const asking: Promise<void>[] = []
    for (let count = 0; count < this.#lab.option('spoofed'); count++) {
      const node = this.#random.pick(this.#lying.length > 0 ? this.#lying : this.#honest)
      const victim = this.#random.pick(this.#honest.filter(isNot(node)))
      const from =
        count % 2 === 0
          ? this.#random.pick(this.#network.nodes).contact.address
          : { host: `10.199.${count % 250}.7`, port: 3_485 }
      asking.push(this.#askAs(node, from, victim))
      await this.#lab.sleep(2)
    }
    await Promise.all(asking)
  }

  async #askAs(node: KadNode, from: Address, victim: KadNode): Promise<void> {
    const { identity, host } = node
    const random = this.#random
    const endpoint = RequestsEndpoint.create({
      identity,
      network: this.#network.network,
      bootId: random.bytes(8),
      clock: host.clock,
      random,
      exchange: node.exchange((length) => random.bytes(length)),
    })
    const forge = (bytes: Uint8Array, to: Address): boolean => {
      this.#lab.network.forge(host, bytes, from, to)
      return true
    }
    const socket: DatagramSocket = {
      address: from,
      sendQueueBytes: 0,
      sendErrors: 0,
      receiveBufferBytes: 0,
      post: forge,
      send: async (bytes, to) => void forge(bytes, to),
      joinGroup: () => {},
      leaveGroup: () => {},
      close: async () => {},
    }
    endpoint.attach(socket)
    const place = { id: victim.identity.id, address: victim.contact.address }
    const request = [1, random.bytes(32)]
    await endpoint.submit(place, RootCode.KADEMLIA, request, { timeoutMs: ASK_MS, idempotent: true }).then(
      () => this.#lab.check('nobody is answered at an address that is not his', false, victim.name),
      () => {},
    )
    await endpoint.close({ signal: AbortSignal.abort() })
  }

  /** Contacts in tables of honest nodes that are no node at its own address. */
  unproved(): number {
    const real = new Map(this.#network.nodes.map(({ contact }) => [contact.key, contact.address]))
    return this.#tables().filter(({ key, address: { host, port } }) => {
      const address = real.get(key)
      return address?.host !== host || address.port !== port
    }).length
  }

  honestShare(): number {
    const honest = new Set(this.#honest.map(({ contact }) => contact.key))
    return share(this.#tables(), ({ key }) => honest.has(key))
  }

  async close(): Promise<void> {
    await this.#network.close()
  }

  #tables(): { readonly key: string; readonly address: Address }[] {
    return this.#honest.flatMap(({ kademlia }) =>
      kademlia.buckets().flatMap(({ contacts }) => contacts.map(({ contact }) => contact)),
    )
  }
}

function isNot(node: KadNode): (other: KadNode) => boolean {
  return (other) => other !== node
}
