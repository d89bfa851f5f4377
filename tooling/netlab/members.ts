/** Peers made by programs/member.ts: one that others are about to attack, and honest ones that it talks with. */
import { delay } from '../daemon-process.js'
import type { Agent } from './agent.js'
import type { Host } from './host.js'
import type { Netlab } from './netlab.js'
import type { handlers, Tally } from './programs/member.js'

/** Each tries this port first, and has its machine for itself. */
export const MEMBER_PORT = 3485
const MEET_LIMIT_MS = 20_000
const CALL_EVERY_MS = 20
const CALL_TIMEOUT_MS = 1_000
const KEPT_EVERY_MS = 100

export interface Member {
  readonly host: Host
  readonly agent: Agent<typeof handlers>
  readonly id: string
}

export class Members {
  readonly victim: Member
  readonly #honest: readonly Member[]
  /** Calls go by the control connection. */
  readonly #control: boolean

  /** One on each host; resolves when the victim has met all others. */
  static async start(
    lab: Netlab,
    hosts: { victim: Host; honest: readonly Host[] },
    control: boolean,
  ): Promise<Members> {
    const start = async (host: Host): Promise<Member> => {
      const agent = await lab.agent<typeof handlers>(host, 'member')
      const { id, port } = await agent.call('start', { name: host.name, network: lab.network, control })
      if (port !== MEMBER_PORT) throw new Error(`expected ${host.name} at port ${MEMBER_PORT}, got ${port}`)
      return { host, agent, id }
    }
    const [victim, ...honest] = await Promise.all([start(hosts.victim), ...hosts.honest.map(start)])
    const deadline = performance.now() + MEET_LIMIT_MS
    while ((await victim.agent.call('online')) < honest.length) {
      if (performance.now() > deadline) throw new Error(`the members did not meet within ${MEET_LIMIT_MS} ms`)
      await delay(50)
    }
    return new Members(victim, honest, control)
  }

  private constructor(victim: Member, honest: readonly Member[], control: boolean) {
    this.victim = victim
    this.#honest = honest
    this.#control = control
  }

  /** The victim asks everybody and everybody asks the victim, for so long. */
  async call(ms: number): Promise<Tally> {
    const how = { ms, everyMs: CALL_EVERY_MS, timeoutMs: CALL_TIMEOUT_MS, control: this.#control }
    const tallies = await Promise.all([
      this.victim.agent.call('ask', { ...how, peers: this.#honest.map(({ id }) => id) }),
      ...this.#honest.map(({ agent }) => agent.call('ask', { ...how, peers: [this.victim.id] })),
    ])
    const failures: Record<string, number> = {}
    let [asked, answered] = [0, 0]
    for (const tally of tallies) {
      asked += tally.asked
      answered += tally.answered
      for (const [code, count] of Object.entries(tally.failures)) failures[code] = (failures[code] ?? 0) + count
    }
    return { asked, answered, failures }
  }

  /** The most handshakes under way at the victim, and sessions that others began and never used, that were seen at once. */
  async mostHandshakes(until: Promise<unknown>): Promise<number> {
    let [most, over] = [0, false]
    const end = (): void => {
      over = true
    }
    until.then(end, end)
    while (!over) {
      const { unconfirmed = 0, handshakes = 0 } = await this.victim.agent.call('kept')
      most = Math.max(most, unconfirmed + handshakes)
      await delay(KEPT_EVERY_MS)
    }
    return most
  }
}
