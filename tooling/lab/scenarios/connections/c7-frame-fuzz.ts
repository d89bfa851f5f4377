/**
 * C7: strangers who break the rules of frames on live connections, before HELLO, on control and on bulk connections: flipped bits, cuts at
 * every byte, lengths up to 4 GiB, ends in the middle. Nothing throws, others are served, and what is held of a frame is at most
 * twice what a frame may have.
 */
import type { SeededRandom } from '@pc/testkit'
import { MAX_BULK_FRAME, MAX_CONTROL_FRAME, type Value } from '@pc/wire'
import { mutateBytes } from '../../../fuzz/mutate/byte-mutations.js'
import { addressOf } from '../../addresses.js'
import { Catcher, textOf } from '../../catcher.js'
import { heldBytes } from '../../held-bytes.js'
import type { Lab } from '../../lab.js'
import { introduce, LAB_NETWORK, Station } from '../../station.js'
import { frameOf, helloOf, prefixOf, type Stranger, stranger, Wire } from '../../stranger.js'

/** At once, each from an address of its own: below the 64 that may be without HELLO. */
const GROUP = 40
const TAKEN_MS = 30
const GONE_MS = 15_000
/** Where frames break the rules, and the longest that is allowed there. */
const STAGES = { hello: MAX_CONTROL_FRAME, control: MAX_CONTROL_FRAME, bulk: MAX_BULK_FRAME } as const
type Stage = keyof typeof STAGES
/** A length that is believed, and how much of it comes, must not cost more than this times the limit. */
const HELD_OF_CAP = 2
/** Of the limit, when hardly anything of the frame has come: the buffer of a frame grows with it. */
const HELD_BY_CLAIMS = 0.25
const HOLDERS = 12
/** Longer inputs come in pieces of 1, 2, 4 … bytes up to this. */
const LOG2_PIECE = 14
const PIECE = 2 ** LOG2_PIECE
/** Inputs up to this may come byte by byte. */
const SHORT = 1_024
/** Less than HELLO may take. */
const ARRIVED_MS = 3_000
const ECHO = 'lab/echo'
const GOAWAY = { header: 'pc/goaway', body: { code: 0, reason: '', lastId: 0 } }
const POSITION = { epoch: new Uint8Array(8).fill(7), seq: 1 }
const CONTROL_FRAMES: readonly { readonly header: string; readonly body: Value }[] = [
  { header: 'pc/request', body: { name: ECHO, ttl: 1_000, body: [1, 'two', { three: 3 }] } },
  { header: 'pc/cancel', body: null },
  { header: 'pc/reply', body: { body: 'an answer' } },
  { header: 'pc/error', body: { code: 4, text: 'a refusal', retryable: true, details: POSITION } },
  { header: 'pc/message', body: { ...POSITION, type: 'text', at: 1, ttl: 1_000, body: 'hello' } },
  { header: 'pc/ack', body: POSITION },
  { header: 'pc/ping', body: null },
  { header: 'pc/pong', body: null },
  GOAWAY,
]

export async function frameFuzz(lab: Lab): Promise<void> {
  const fuzz = await Fuzz.start(lab)
  const crashes: string[] = []
  {
    using _catcher = new Catcher((kind, error) => crashes.push(`${kind}: ${textOf(error)}`))
    await fuzz.cutEverywhere()
    await fuzz.break(lab.option('cases'))
    lab.figure('c7_held_of_cap', await fuzz.mostHeld(), { atMost: HELD_OF_CAP })
    lab.figure('c7_held_by_claims', await fuzz.heldByClaims(), { atMost: HELD_BY_CLAIMS })
  }
  crashes.push(...fuzz.victim.errors.map(String))
  lab.check('nothing throws whatever the bytes are', crashes.length === 0, () => crashes.slice(0, 3).join('\n'))
  lab.figure('c7_crashes', crashes.length, { atMost: 0, combine: 'sum' })
  await fuzz.close()
}

class Fuzz {
  readonly victim: Station
  readonly #lab: Lab
  readonly #random: SeededRandom
  readonly #friend: Station
  readonly #firstPlace: number
  #strangers = 0
  #echoes = 0

  private constructor(lab: Lab, victim: Station, friend: Station) {
    this.#lab = lab
    this.#random = lab.random.stream('frame fuzz')
    this.#firstPlace = lab.network.hosts.length
    this.victim = victim
    this.#friend = friend
    victim.messaging.handle(ECHO, { access: 'anyone', concurrency: 64 }, (input) => {
      this.#echoes += 1
      return input
    })
    victim.services.register(ECHO, { access: 'anyone' }, (connection, message) => connection.send(message))
  }

  static async start(lab: Lab): Promise<Fuzz> {
    const victim = await Station.start(lab, { name: 'victim of frames' })
    const friend = await Station.start(lab, { name: 'friend of that victim' })
    introduce(victim, friend)
    await friend.ask(victim)
    return new Fuzz(lab, victim, friend)
  }

  async close(): Promise<void> {
    await Promise.all([this.victim.close(), this.#friend.close()])
  }

  /** A good conversation whose stream is cut in two, at each of its bytes once, is as good as a whole one. */
  async cutEverywhere(): Promise<void> {
    const request = frameOf('pc/request', { name: ECHO, ttl: 10_000, body: 'x'.repeat(300) }, 1)
    const { length } = join(this.#hello(this.#stranger(0), 'control'), request)
    for (let from = 0; from < length; from += GROUP) {
      const [before, count] = [this.#echoes, Math.min(GROUP, length - from)]
      await this.#together(count, async (index) => {
        const who = this.#stranger(index)
        const wire = await Wire.dial(who.host, this.victim)
        const bytes = join(this.#hello(who, 'control'), request)
        wire.write(bytes.subarray(0, from + index))
        await this.#lab.sleep(5)
        wire.write(bytes.subarray(from + index))
        await this.#lab.sleep(TAKEN_MS)
        return wire
      })
      const heard = this.#echoes - before
      this.#lab.check(
        'a stream may be cut at every byte',
        heard === count,
        `from byte ${from} on ${heard} of ${count} were heard`,
      )
    }
  }

  /** Conversations that no correct peer has. */
  async break(cases: number): Promise<void> {
    for (let done = 0; done < cases; done += GROUP) {
      await this.#together(Math.min(GROUP, cases - done), (index) => this.#breakOne(index))
    }
  }

  /** The most memory for one connection, as a share of the longest frame it may carry. */
  async mostHeld(): Promise<number> {
    let most = 0
    for (const stage of ['hello', 'control', 'bulk'] as const) {
      for (const claimed of [STAGES[stage], 2 ** 31, 2 ** 32 - 1]) {
        const sent = claimed > STAGES[stage] ? PIECE : claimed - 1
        const held = (await this.#held(stage, claimed, sent)) / STAGES[stage]
        // Not a note, which belongs to the trace: memory is not a function of the seed.
        this.#lab.log.add(this.#lab.now(), `${stage}, ${claimed} bytes claimed: ${held.toFixed(2)} of the limit held`)
        most = Math.max(most, held)
      }
    }
    return most
  }

  /** The same when a length comes, and a byte. On bulk connections, where there is most to claim. */
  async heldByClaims(): Promise<number> {
    return (await this.#held('bulk', STAGES.bulk, 1)) / STAGES.bulk
  }

  async #breakOne(index: number): Promise<Wire> {
    const who = this.#stranger(index)
    const random = this.#random.stream(`conversation ${this.#strangers}`)
    const stage = random.pick(['hello', 'control', 'bulk'] as const)
    const good = stage === 'hello' ? this.#hello(who, random.pick(['control', 'bulk'])) : conversation(stage, random)
    const bytes = spoil(good, STAGES[stage], random)
    const wire = await Wire.dial(who.host, this.victim)
    if (stage !== 'hello') wire.write(this.#hello(who, stage))
    for (const piece of pieces(bytes, random)) wire.write(piece)
    const ending = random.pick(['end', 'destroy', 'stay'] as const)
    if (ending === 'end') wire.end()
    await this.#lab.sleep(TAKEN_MS)
    if (ending === 'destroy') wire.destroy()
    return wire
  }

  /** Bytes held for each of many connections that are in the middle of a frame which claims to be so long, with so much sent of it. */
  async #held(stage: Stage, claimed: number, sent: number): Promise<number> {
    const wires: Wire[] = []
    for (let index = 0; index < HOLDERS; index++) {
      const who = this.#stranger(index)
      const wire = await Wire.dial(who.host, this.victim)
      if (stage !== 'hello') wire.write(this.#hello(who, stage))
      wires.push(wire)
    }
    await this.#lab.sleep(TAKEN_MS)
    const before = heldBytes()
    for (const wire of wires) {
      wire.write(prefixOf(claimed))
      for (const piece of pieces(new Uint8Array(sent), this.#random)) wire.write(piece)
    }
    await this.#lab.sleep(ARRIVED_MS)
    const held = (heldBytes() - before) / HOLDERS
    await this.#leave(wires)
    return held
  }

  async #together(count: number, play: (index: number) => Promise<Wire>): Promise<void> {
    await this.#leave(await Promise.all(Array.from({ length: count }, (_, index) => play(index))))
  }

  /** When they are gone nothing of them is left, and others are served as before. */
  async #leave(wires: readonly Wire[]): Promise<void> {
    for (const wire of wires) wire.destroy()
    const { acceptor } = this.victim
    const why = (): string => `${acceptor.open} are open, ${acceptor.halfOpen} without HELLO`
    const gone = (): boolean => acceptor.open === 1 && acceptor.halfOpen === 0
    await this.#lab.until('connections that broke the rules leave nothing', gone, GONE_MS, why)
    const { outcome } = await this.#friend.ask(this.victim)
    this.#lab.check('others are served whatever the bytes are', outcome === 'done', () => JSON.stringify(outcome))
  }

  #stranger(index: number): Stranger {
    this.#strangers += 1
    return stranger(this.#lab, `breaker ${this.#strangers}`, addressOf(this.#firstPlace + index, 0))
  }

  #hello({ identity }: Stranger, kind: 'control' | 'bulk'): Uint8Array {
    return frameOf('pc/hello', helloOf(identity, LAB_NETWORK, 'breaker', new Uint8Array(8), kind), 0)
  }
}

/** Some frames that are in order, of all headers that mean something there. */
function conversation(stage: 'control' | 'bulk', random: SeededRandom): Uint8Array {
  const frames = stage === 'bulk' ? [{ header: ECHO, body: 'x'.repeat(200) }, GOAWAY] : CONTROL_FRAMES
  const picked = Array.from({ length: random.integer(1, 4) }, () => random.pick(frames))
  return join(...picked.map(({ header, body }, index) => frameOf(header, body, index + 1)))
}

function spoil(good: Uint8Array, limit: number, random: SeededRandom): Uint8Array {
  const draw = random.float()
  if (draw < 0.5) return mutateBytes(good, conversation('control', random), random)
  if (draw < 0.75) {
    const flipped = Uint8Array.from(good)
    const at = random.integer(0, good.length - 1)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random.integer(0, 7))
    return flipped
  }
  if (draw < 0.85) return good.subarray(0, random.integer(1, good.length - 1))
  if (draw < 0.98) return join(prefixOf(random.pick([0, limit + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])), good)
  // Longer than allowed, and all of it comes.
  return join(prefixOf(limit + 1), new Uint8Array(limit + 1))
}

/** In one, at a few places, or as small as a byte. */
function* pieces(bytes: Uint8Array, random: SeededRandom): Iterable<Uint8Array> {
  const short = random.pick([1, 64, SHORT])
  for (let from = 0; from < bytes.length; ) {
    const length = bytes.length <= SHORT ? short : 2 ** random.integer(0, LOG2_PIECE)
    yield bytes.subarray(from, from + length)
    from += length
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts)
}
