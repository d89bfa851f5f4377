/**
 * A flood from somebody who may write any source address, has heard everything on the wire, and makes every packet as good as an
 * outsider of an open network can: do those who are there still serve each other, and does nobody else get more than was sent in his name?
 */

import type { PeerId } from '@pc/identity'
import { createIdentity, createKeyExchange, type Network, openNetwork, packSessionPacket } from '@pc/identity'
import type { SeededRandom, SimulatedHost } from '@pc/testkit'
import type { Address } from '@pc/transport'
import { Protection } from '@pc/wire'
import { collectGarbage } from '../../collect-garbage.js'
import { addressOf } from '../addresses.js'
import { Door, ECHO } from '../door.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const REQUEST_MS = 1_000
/** Between two requests of each honest peer to the victim, and of the victim to each. */
const PAUSE_MS = 200
const WARM_UP_MS = 4_000
const RESETS_MS = 5_000
const RESETS_PER_S = 1_000
const PORT = 3_485
const FIRST_SPOOFED = 10_000
const ATTACKER = 9_999
const MIB = 1_048_576
/** Premade packets of each kind: making them is not what is measured. */
const POOL = 256

export const endpointFlood: Scenario = {
  kind: 'scenario',
  name: 'endpoint-flood',
  summary: 'spoofed sources, captured indexes, forged handshakes and resets at a rate that fills half a processor',
  options: {
    ...WEATHER_OPTIONS,
    peers: { help: 'honest peers beside the victim', min: 1, max: 200, whole: true, default: 20 },
    rate: { help: 'packets a second', min: 100, max: 90_000, default: 50_000 },
    sources: { help: 'addresses they seem to come from', min: 1, max: 60_000, whole: true, default: 1_000 },
    seconds: { help: 'virtual seconds of flood', min: 2, max: 3_600, default: 20 },
  },
  run: async (lab: Lab) => {
    const stage = new Stage(lab)
    await stage.start()
    await stage.flood(WARM_UP_MS)
    const heapBefore = collectGarbage()
    await stage.flood(lab.option('seconds') * 1_000)
    const heapAfter = collectGarbage()
    const { unconfirmed } = stage.victim.endpoint.size

    lab.figure('honest_success', stage.success(), { atLeast: 0.99 })
    lab.figure('heap_growth_mb', Math.max(0, (heapAfter - heapBefore) / MIB), { atMost: 8 })
    lab.figure('bytes_out_per_in', stage.worstRatio(), { atMost: 1 })
    lab.figure('handshake_state', unconfirmed, { atMost: 0 })
    lab.figure('packets', stage.packets)
    lab.figure('received', stage.victim.endpoint.counters.received)

    const before = stage.settled.failed
    await stage.resets(RESETS_MS)
    lab.figure('resets_interrupted', stage.settled.failed - before, { atMost: 0 })
    lab.note(`what the victim counted: ${JSON.stringify(stage.victim.endpoint.counters)}`)
    await stage.close()
  },
}

class Stage {
  readonly victim: Door
  readonly settled = { asked: 0, failed: 0 }
  packets = 0
  readonly #lab: Lab
  readonly #random: SeededRandom
  readonly #network: Network = openNetwork('lab')
  readonly #honest: Door[] = []
  readonly #attacker: SimulatedHost<PeerId>
  readonly #sources: Address[] = []
  /** Heard on the wire: which index whom finds at the victim, and the other way round. */
  readonly #towards = new Map<string, number>()
  readonly #back = new Map<string, number>()
  readonly #traffic = new Map<string, { in: number; out: number }>()
  readonly #initiations: Uint8Array[] = []
  readonly #garbled: Uint8Array[] = []
  readonly #recordRequests: Uint8Array[] = []

  constructor(lab: Lab) {
    this.#lab = lab
    this.#random = lab.random.stream('flood')
    const network = this.#network
    this.victim = new Door(lab, 0, {
      name: 'victim',
      network,
      onSent: (bytes, to) => this.#count(to, 'out', bytes),
      onReceived: (bytes, from) => this.#count(from, 'in', bytes),
    })
    for (let index = 1; index <= lab.option('peers'); index++) {
      const name = `honest ${index}`
      const onSent = (bytes: Uint8Array): void => hear(this.#towards, addressOf(index, 0), bytes)
      const onReceived = (bytes: Uint8Array): void => hear(this.#back, addressOf(index, 0), bytes)
      this.#honest.push(new Door(lab, index, { name, network, onSent, onReceived }))
    }
    const { id } = createIdentity(this.#random.stream('attacker').bytes(32))
    const interfaces = [{ name: 'eth0', address: addressOf(ATTACKER, 0), netmask: '255.0.0.0' }]
    this.#attacker = lab.network.host({ id, interfaces })
    for (const { address } of this.#honest) this.#sources.push(address)
    for (let index = this.#sources.length; index < lab.option('sources'); index++) {
      this.#sources.push({ host: addressOf(FIRST_SPOOFED + index, 0), port: PORT })
    }
  }

  async start(): Promise<void> {
    for (const door of [this.victim, ...this.#honest]) await door.start()
    this.#forgePools()
    // Everybody has a session when the flood begins, as people have who talk.
    await Promise.all(this.#honest.map((door) => this.#ask(door, this.victim)))
    await Promise.all(this.#honest.map((door) => this.#ask(this.victim, door)))
    this.#lab.check('all are served before the flood', this.settled.failed === 0, `${this.settled.failed} were not`)
  }

  /** Floods for so long, while everybody goes on asking. */
  async flood(ms: number): Promise<void> {
    const perMs = this.#lab.option('rate') / 1_000
    await this.#attack(ms, perMs, () => this.#forge())
  }

  /** Nothing but forged hints that a session is gone, in the names of those who have one. */
  async resets(ms: number): Promise<void> {
    await this.#attack(ms, RESETS_PER_S / 1_000, () => this.#forgeReset())
  }

  /** Of all requests so far. */
  success(): number {
    return 1 - this.settled.failed / this.settled.asked
  }

  /** Over all addresses that are nobody's. */
  worstRatio(): number {
    const honest = new Set(this.#honest.map(({ address }) => address.host))
    let worst = 0
    for (const [host, bytes] of this.#traffic) if (!honest.has(host)) worst = Math.max(worst, bytes.out / bytes.in)
    return worst
  }

  async close(): Promise<void> {
    await Promise.all([this.victim, ...this.#honest].map((door) => door.close()))
  }

  async #attack(ms: number, perMs: number, forge: () => void): Promise<void> {
    const until = this.#lab.now() + ms
    const asking = this.#honest.flatMap((door) => [
      this.#askUntil(door, this.victim, until),
      this.#askUntil(this.victim, door, until),
    ])
    for (let due = 0; this.#lab.now() < until; due -= Math.floor(due)) {
      due += perMs
      for (let count = 1; count <= due; count++) forge()
      await this.#lab.sleep(1)
    }
    await Promise.all(asking)
  }

  async #askUntil(from: Door, to: Door, until: number): Promise<void> {
    await this.#lab.sleep(this.#random.float() * PAUSE_MS)
    while (this.#lab.now() < until) {
      await this.#ask(from, to)
      await this.#lab.sleep(PAUSE_MS)
    }
  }

  async #ask(from: Door, to: Door): Promise<void> {
    this.settled.asked += 1
    const answered = await from.endpoint.submit(to.place, ECHO, 'served', { timeoutMs: REQUEST_MS }).then(
      (answer) => answer === 'served',
      () => false,
    )
    if (!answered) this.settled.failed += 1
  }

  #forgePools(): void {
    const random = this.#random.stream('pools')
    const bytes = (length: number): Uint8Array => random.bytes(length)
    const network = this.#network
    for (let count = 0; count < POOL; count++) {
      // Keys cost nothing: these are genuine first messages, of peers that nobody knows.
      const exchange = createKeyExchange({ identity: createIdentity(bytes(32)), network, random: bytes })
      const senderIndex = random.integer(0, 2 ** 32 - 1)
      const begun = exchange.initiate(this.victim.identity.id, new Uint8Array(0), senderIndex)
      const cookie = count % 2 === 0 ? new Uint8Array(16) : bytes(16)
      if (begun !== undefined) {
        this.#initiations.push(packSessionPacket(network, { type: 1, senderIndex, cookie, message: begun.message }))
      }
      this.#garbled.push(packSessionPacket(network, { type: 1, senderIndex, cookie, message: bytes(160) }))
      this.#recordRequests.push(packSessionPacket(network, { type: 4, nonce: bytes(8) }))
    }
  }

  #forge(): void {
    const { float, pick } = this.#dice
    const draw = float()
    if (draw < 0.3) this.#forgeSealed()
    else if (draw < 0.5) this.#send(this.#sealed(Math.floor(float() * 2 ** 32)), pick(this.#sources))
    else if (draw < 0.7) this.#send(pick(this.#initiations), pick(this.#sources))
    else if (draw < 0.8) this.#send(pick(this.#garbled), pick(this.#sources))
    else if (draw < 0.88) this.#send(pick(this.#recordRequests), pick(this.#sources))
    else if (draw < 0.9) this.#forgeReset()
    else this.#send(this.#random.bytes(64), pick(this.#sources))
  }

  readonly #dice = {
    float: (): number => this.#random.float(),
    pick: <T>(list: readonly T[]): T => this.#random.pick(list),
  }

  /** Names the session of an honest peer and seems to come from him: only the seal tells. */
  #forgeSealed(): void {
    const { address } = this.#random.pick(this.#honest)
    const index = this.#towards.get(address.host)
    if (index !== undefined) this.#send(this.#sealed(index), address)
  }

  #forgeReset(): void {
    const { address } = this.#random.pick(this.#honest)
    const receiverIndex = this.#back.get(address.host)
    if (receiverIndex === undefined) return
    this.#send(packSessionPacket(this.#network, { type: 6, receiverIndex }), address)
  }

  #sealed(index: number): Uint8Array {
    const bytes = Buffer.from(this.#random.bytes(100))
    bytes[0] = ECHO
    bytes[1] = 0x10 | Protection.SESSION
    bytes.writeUInt32BE(index, 2)
    // A counter that is still to come.
    bytes.writeUInt32BE(0, 6)
    return bytes
  }

  #send(bytes: Uint8Array, from: Address): void {
    this.packets += 1
    this.#lab.network.forge(this.#attacker, bytes, from, this.victim.address)
  }

  #count({ host }: Address, direction: 'in' | 'out', { length }: Uint8Array): void {
    const known = this.#traffic.get(host) ?? { in: 0, out: 0 }
    known[direction] += length
    this.#traffic.set(host, known)
  }
}

/** Keeps the index that a sealed datagram names. */
function hear(indexes: Map<string, number>, host: string, bytes: Uint8Array): void {
  if (((bytes[1] ?? 0) & 0x0f) !== Protection.SESSION || bytes.length < 14) return
  indexes.set(host, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32BE(2))
}
