/**
 * C4: thousands of dials from one address within seconds, by strangers with keys of their own. Some say nothing, some say HELLO, some
 * rubbish, and all stay as long as they may. Whoever is at another address connects within 1 s, and whoever was there is served.
 */
import type { SeededRandom } from '@pc/testkit'
import type { Lab } from '../../lab.js'
import { introduce, LAB_NETWORK, nextAddress, Station } from '../../station.js'
import { helloOf, stranger, Wire } from '../../stranger.js'
import { keepAsking } from './keep-asking.js'

const FLOOD_MS = 10_000
const HONEST = 40
const CONNECT_MS = 1_000
const GIVE_UP_MS = 10_000

export async function connectFlood(lab: Lab): Promise<void> {
  const random = lab.random.stream('connect flood')
  const victim = await Station.start(lab, { name: 'victim of dials' })
  const friend = await Station.start(lab, { name: 'friend of the victim' })
  introduce(victim, friend)
  await friend.ask(victim)
  const until = lab.now() + FLOOD_MS
  const flood = new Flood(lab, victim, random.stream('strangers'))
  const newcomers = Array.from({ length: HONEST }, (_, index) =>
    connectOnce(lab, victim, index, random.float() * FLOOD_MS),
  )
  await Promise.all([flood.run(until), keepAsking(lab, friend, victim, until)])
  const times = await Promise.all(newcomers)

  const { refusedByAddress, refusedByHalfOpen, refusedByTotal } = victim.acceptor.counters
  lab.figure('c4_honest_connect_ms', Math.max(...times), { atMost: CONNECT_MS })
  lab.figure('c4_connects', flood.connected)
  lab.figure('c4_refused', refusedByAddress + refusedByHalfOpen + refusedByTotal)
  flood.end()
  await Promise.all([victim.close(), friend.close()])
}

class Flood {
  /** Dials that became streams. */
  connected = 0
  readonly #lab: Lab
  readonly #victim: Station
  readonly #random: SeededRandom
  readonly #address: string
  readonly #dials: Promise<void>[] = []
  readonly #wires: Wire[] = []

  constructor(lab: Lab, victim: Station, random: SeededRandom) {
    this.#lab = lab
    this.#victim = victim
    this.#random = random
    // Its address is taken from here on.
    this.#address = stranger(lab, 'first stranger', nextAddress(lab)).host.address
  }

  async run(until: number): Promise<void> {
    const count = this.#lab.option('connects')
    const startedAt = this.#lab.now()
    for (let dialled = 0; dialled < count; ) {
      const due = Math.ceil((count * (this.#lab.now() - startedAt)) / (until - startedAt))
      while (dialled < Math.min(due, count)) this.#dials.push(this.#dial(dialled++))
      await this.#lab.sleep(1)
    }
    await Promise.all(this.#dials)
  }

  end(): void {
    for (const wire of this.#wires) wire.destroy()
  }

  async #dial(number: number): Promise<void> {
    const { identity, host } = stranger(this.#lab, `stranger ${number}`, this.#address)
    const manner = this.#random.pick(['silent', 'greets', 'rubbish'] as const)
    const boot = this.#random.bytes(8)
    let wire: Wire
    try {
      wire = await Wire.dial(host, this.#victim)
    } catch {
      return // without an answer in time: that is the victim's right
    }
    this.connected += 1
    this.#wires.push(wire)
    if (manner === 'greets') wire.frame('pc/hello', helloOf(identity, LAB_NETWORK, 'stranger', boot), 0)
    if (manner === 'rubbish') wire.write(boot)
  }
}

/** How long a newcomer takes from its dial to its connection, on which it is then served. */
async function connectOnce(lab: Lab, victim: Station, index: number, afterMs: number): Promise<number> {
  const newcomer = await Station.start(lab, { name: `newcomer ${index}` })
  newcomer.knows(victim.id, victim.address)
  await lab.sleep(afterMs)
  const from = lab.now()
  const giveUp = new AbortController()
  const timer = lab.clock.setTimeout(() => giveUp.abort(), GIVE_UP_MS)
  const took = await newcomer.connector.control(victim.id, { signal: giveUp.signal }).then(
    () => lab.now() - from,
    () => GIVE_UP_MS,
  )
  lab.clock.clearTimeout(timer)
  const { outcome } = await newcomer.ask(victim)
  lab.check(
    'who connects in spite of a flood is served',
    outcome === 'done',
    () => `${newcomer.name}: ${JSON.stringify(outcome)}`,
  )
  await newcomer.close()
  return took
}
