/** Nodes come and go all the time, without a goodbye: is what was put still found, and do tables know who is gone? */
import { keyOf, plainRecord } from '@pc/kademlia'
import { quantile } from '../figures.js'
import { KadNetwork } from '../kad/kad-network.js'
import type { KadNode } from '../kad/kad-node.js'
import { mean } from '../kad/lookups.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const JOIN_MS = 60_000
/** Between two puts. */
const PUT_MS = 4_000
/** Between two looks whether a node that is waited for lives. */
const LOOK_AT_NODE_MS = 250
/** Each is got by somebody else after a random part of this time. */
const GET_WITHIN_MS = 60_000
/** So many mean sessions pass before the first look into tables. */
const SETTLE_SESSIONS = 2
/** Between two looks into tables. */
const LOOK_MS = 10_000
const TABLES_AT_A_LOOK = 20
const FIND_NODE = 1
/** Live nodes that a newcomer may have found: it tries three of them. */
const FOUND = 8

export const kadChurn: Scenario = {
  kind: 'scenario',
  name: 'kad-churn',
  summary: 'nodes that crash after a minute each, and new ones in their places: is what was put still there?',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes at a time', min: 20, max: 5_000, whole: true, default: 500 },
    session: { help: 'mean time for which a node stays, s', min: 10, max: 86_400, default: 60 },
    minutes: { help: 'virtual minutes of it', min: 1, max: 1_440, default: 30 },
  },
  run: async (lab: Lab) => {
    const churn = new Churn(lab)
    await churn.run()
    const { gets, verified, all } = churn
    const lossless = !lab.has('loss') || lab.option('loss') === 0
    lab.figure('put_get_success', gets.found / gets.asked, { atLeast: 0.99 })
    // Of the contacts that count as alive; then of what is answered to FIND_NODE, and of all that a table has not given up yet.
    lab.figure('stale_share', verified.dead / verified.count, lossless ? { atMost: 0.1 } : {})
    lab.figure('stale_share_told', churn.told.dead / churn.told.count)
    lab.figure('stale_share_with_doubted', all.dead / all.count)
    lab.figure('contacts_mean', all.count / all.tables)
    lab.figure('verified_mean', verified.count / all.tables)
    lab.figure('doubted_after_p50_s', quantile(churn.doubtedAfter, 0.5))
    lab.figure('doubted_after_p90_s', quantile(churn.doubtedAfter, 0.9))
    lab.figure('puts', gets.asked)
    lab.figure('get_p50_ms', quantile(churn.getMs, 0.5))
    lab.figure('get_p99_ms', quantile(churn.getMs, 0.99))
    lab.figure('joins', churn.joins)
    lab.figure('joins_failed', churn.joinsFailed)
    lab.figure('rpcs_to_join_mean', mean(churn.requestsToJoin))
    // Of those that crashed, until then.
    lab.figure('requests_per_node_mean', mean(churn.requests))
  },
}

class Churn {
  readonly gets = { asked: 0, found: 0 }
  readonly getMs: number[] = []
  readonly verified = { dead: 0, count: 0 }
  readonly told = { dead: 0, count: 0 }
  readonly all = { dead: 0, count: 0, tables: 0 }
  /** Of each node until its end. */
  readonly requests: number[] = []
  readonly doubtedAfter: number[] = []
  joins = 0
  joinsFailed = 0
  readonly #lab: Lab
  readonly #network: KadNetwork
  readonly #running: Promise<void>[] = []
  #endsAt = Number.POSITIVE_INFINITY

  constructor(lab: Lab) {
    this.#lab = lab
    this.#network = new KadNetwork(lab, lab.option('nodes'))
  }

  get requestsToJoin(): readonly number[] {
    return this.#network.requestsToJoin
  }

  async run(): Promise<void> {
    const lab = this.#lab
    await this.#network.grow(lab.option('nodes'), JOIN_MS)
    const endsAt = lab.now() + 60_000 * lab.option('minutes')
    this.#endsAt = endsAt + GET_WITHIN_MS
    for (const node of this.#network.alive) this.#letLive(node)
    // Until then tables are full of those who grew up in a network in which everybody stayed.
    let lookAt = lab.now() + Math.min(SETTLE_SESSIONS * 1_000 * lab.option('session'), (endsAt - lab.now()) / 2)
    while (lab.now() < endsAt) {
      await lab.sleep(PUT_MS)
      if (endsAt - lab.now() > GET_WITHIN_MS + PUT_MS) this.#running.push(this.#putAndGet())
      if (lab.now() < lookAt) continue
      lookAt += LOOK_MS
      this.#look()
    }
    await Promise.all(this.#running)
    this.#endsAt = lab.now()
    await this.#network.close()
  }

  /** It crashes when its time is over, and another one joins in its place. */
  #letLive(node: KadNode): void {
    const { random } = this.#network
    const lifeMs = -1_000 * this.#lab.option('session') * Math.log(1 - random.float())
    void this.#lab.sleep(lifeMs).then(async () => {
      if (this.#lab.now() >= this.#endsAt) return
      this.requests.push(node.kademlia.status().requestsSent)
      this.#network.crash(node)
      const next = await this.#network.add()
      this.#letLive(next)
      this.joins += 1
      const { alive } = this.#network
      const found = Array.from({ length: FOUND }, () => random.pick(alive))
      await this.#network.join(next, found).catch(() => {
        // Whoever was told of it has crashed meanwhile, or it has itself.
        this.joinsFailed += 1
      })
    })
  }

  /** What is put by somebody, and asked for by somebody else some time later. Who crashes at that has asked nothing. */
  async #putAndGet(): Promise<void> {
    const { random } = this.#network
    const record = plainRecord(random.bytes(random.integer(1, 400)))
    const author = random.pick(this.#network.alive)
    const put = await this.#unlessItCrashes(author, author.kademlia.put(record, { keep: false }))
    if (put === 'crashed') return
    await this.#lab.sleep(random.float() * GET_WITHIN_MS)
    const reader = random.pick(this.#network.alive.filter((node) => node !== author))
    const from = this.#lab.now()
    const got = await this.#unlessItCrashes(reader, reader.kademlia.get(record.key))
    if (got === 'crashed') return
    this.gets.asked += 1
    if (put === 'failed' || got === 'failed') return
    this.gets.found += 1
    this.getMs.push(this.#lab.now() - from)
  }

  /** What a machine that is off was doing never ends. */
  async #unlessItCrashes<T>(node: KadNode, work: Promise<T>): Promise<T | 'failed' | 'crashed'> {
    let settled = false
    const outcome = work.then(
      (value) => value,
      () => 'failed' as const,
    )
    const end = outcome.finally(() => {
      settled = true
    })
    while (!settled && node.alive) await Promise.race([end, this.#lab.sleep(LOOK_AT_NODE_MS)])
    return settled ? outcome : 'crashed'
  }

  #look(): void {
    const { random, alive } = this.#network
    const living = new Set(alive.map(({ contact }) => contact.key))
    // Early, so that nobody takes it for a sign of life.
    const [somebody] = alive as [KadNode]
    const asker = { id: somebody.identity.id, address: somebody.contact.address, early: true }
    for (const { kademlia } of random.shuffle(alive).slice(0, TABLES_AT_A_LOOK)) {
      this.all.tables += 1
      this.doubtedAfter.push(kademlia.status().doubtedAfterMs / 1_000)
      for (const { contact, state } of kademlia.buckets().flatMap(({ contacts }) => contacts)) {
        const dead = living.has(contact.key) ? 0 : 1
        this.all.dead += dead
        this.all.count += 1
        if (state !== 'verified') continue
        this.verified.dead += dead
        this.verified.count += 1
      }
      const [told] = kademlia.handle([FIND_NODE, random.bytes(32)], asker) as [Uint8Array[]]
      this.told.count += told.length
      this.told.dead += told.filter((bytes) => !living.has(keyOf(bytes.subarray(0, 32)))).length
    }
  }
}
