/** Peers that reach each other through nothing but a clock: each request takes its time there, and its answer back. */
import { createIdentity, type Identity, signPeerRecord } from '@pc/identity'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import type { Value } from '@pc/wire'
import { type Contact, contactOf } from '../../src/contact.js'
import { Kademlia } from '../../src/kademlia.js'
import type { KademliaOptions } from '../../src/options.js'

const PORT = 3_485
/** Repetitions of a request, ms after it. */
const REPEATED_AFTER = [0, 25, 75]

export interface Member {
  readonly identity: Identity
  readonly contact: Contact
  readonly kademlia: Kademlia
  /** Requests that it was asked, by their first element. */
  readonly asked: number[]
}

export class RpcNetwork {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly members: Member[] = []
  readonly #byHost = new Map<string, Member>()
  /** What a member answers instead, where that is something. */
  answers: (member: Member, request: readonly Value[]) => Value | undefined = () => undefined
  /** Share of messages that get lost, each way. */
  loss = 0

  constructor(seed: string) {
    this.random = new SeededRandom(seed)
  }

  add(options: Partial<KademliaOptions> = {}): Member {
    const index = this.members.length
    const identity = createIdentity(this.random.stream(`key ${index}`).bytes(32))
    const address = { host: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, port: PORT }
    const record = signPeerRecord(identity, { sequence: 1, name: `p${index}`, addresses: [address], capabilities: [] })
    const kademlia = Kademlia.create({
      identity,
      clock: this.clock,
      random: this.random.stream(`chance ${index}`),
      record: () => record,
      rpc: (to, request, { timeoutMs }) => this.#carry(identity, address, to, request, timeoutMs),
      ...options,
    })
    const member = { identity, contact: contactOf(identity.id.bytes, address), kademlia, asked: [] }
    this.members.push(member)
    this.#byHost.set(address.host, member)
    return member
  }

  /** Adds peers that join one after the other through the first. */
  async grow(count: number, options: Partial<KademliaOptions> = {}): Promise<void> {
    for (let n = 0; n < count; n++) {
      const member = this.add(options)
      const [first] = this.members
      if (first !== undefined && first !== member) await this.wait(member.kademlia.join([first.contact]))
    }
    const [first, second] = this.members
    if (first !== undefined && second !== undefined) await this.wait(first.kademlia.join([second.contact]))
  }

  /** From now on nothing reaches it, and nothing comes from it. */
  kill({ contact, kademlia }: Member): Promise<void> {
    this.#byHost.delete(contact.address.host)
    return kademlia.close()
  }

  /** Lets time pass until a promise settles. */
  async wait<Result>(promise: Promise<Result>): Promise<Result> {
    let settled = false
    const watched = promise.finally(() => {
      settled = true
    })
    watched.catch(() => {})
    for (let steps = 0; !settled && steps < 100_000; steps++) await this.clock.advance(1)
    if (!settled) throw new Error('it did not settle within 100 s of virtual time')
    return watched
  }

  #carry(from: Identity, source: Contact['address'], to: Contact, request: Value, timeoutMs: number): Promise<Value> {
    return new Promise((resolve, reject) => {
      const timer = this.clock.setTimeout(() => reject(new Error('no answer')), timeoutMs)
      const deliver = (): void => {
        const there = this.#byHost.get(to.address.host)
        if (there === undefined || Buffer.compare(there.contact.id, to.id) !== 0 || this.#lost()) return
        there.asked.push((request as number[])[0] as number)
        const answer =
          this.answers(there, request as Value[]) ?? there.kademlia.handle(request, { id: from.id, address: source })
        if (this.#lost()) return
        this.clock.setTimeout(() => {
          this.clock.clearTimeout(timer)
          resolve(answer)
        }, this.#delay())
      }
      for (const after of REPEATED_AFTER) {
        if (after === 0 || this.loss > 0) this.clock.setTimeout(deliver, after + this.#delay())
      }
    })
  }

  #lost(): boolean {
    return this.loss > 0 && this.random.float() < this.loss
  }

  #delay(): number {
    return 0.3 - 0.7 * Math.log(1 - this.random.float())
  }
}
