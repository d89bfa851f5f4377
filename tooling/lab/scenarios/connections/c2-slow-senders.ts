/**
 * C2: senders of one byte a second, and of none, must not hold a connection: they are cut within 15 s, before HELLO and inside a frame,
 * whoever dialled, on control and on bulk connections. A slow sender that gets on is served.
 */
import type { Connection } from '@pc/transport'
import type { Message } from '@pc/wire'
import type { Lab } from '../../lab.js'
import { LAB_NETWORK, nextAddress, Station } from '../../station.js'
import { frameOf, helloOf, PEER_PORT, prefixOf, type Stranger, stranger, Wire } from '../../stranger.js'

const CUT_WITHIN_S = 15
/** Whoever is not cut by then never is. */
const GIVE_UP_MS = 60_000
const LOOK_EVERY_MS = 50
const SLOW_EVERY_MS = 1_000
const ACQUAINTED_MS = 10_000
/** Claimed by their frames: near the limit of the connection, so that what they send never ends one. */
const CLAIMED = { control: 60_000, bulk: 1_000_000 } as const
/** 2.5 KiB in 10 s: more than a frame must bring, and far less than any network carries. */
const STEADY = { header: 'lab/steady', bytes: 8_192, chunk: 512, everyMs: 2_000 } as const

interface Sloth {
  readonly name: string
  readonly wire: Wire
  /** From when on it was slow until the victim had nothing of it open any more, ms; absent if it still has. */
  readonly cutAfterMs: number | undefined
}

export async function slowSenders(lab: Lab): Promise<void> {
  const victim = await Station.start(lab, { name: 'victim of sloths' })
  const stage = new Stage(lab, victim)
  const sloths: Promise<Sloth>[] = []
  for (const dials of [true, false]) {
    for (const kind of ['control', 'bulk'] as const) {
      for (const pace of ['silent', 'slow'] as const) {
        sloths.push(stage.beforeHello(dials, kind, pace), stage.insideFrame(dials, kind, pace))
      }
    }
  }
  const steady = (['control', 'bulk'] as const).map((kind) => stage.steady(kind))
  const all = await Promise.all(sloths)
  for (const { name, cutAfterMs } of all)
    lab.check('a slow or silent sender is cut', cutAfterMs !== undefined, `${name} is not`)
  const slowest = Math.max(...all.map(({ cutAfterMs = GIVE_UP_MS }) => cutAfterMs))
  lab.figure('c2_cut_s', slowest / 1_000, { atMost: CUT_WITHIN_S })
  for (const { wire, kind } of await Promise.all(steady)) {
    lab.check(
      'a slow sender that gets on is served',
      stage.served.has(kind),
      `the one on the ${kind} connection is not`,
    )
    wire.destroy()
  }
  for (const { wire } of all) wire.destroy()
  await stage.close()
}

class Stage {
  /** Kinds of connections whose steady frame came in. */
  readonly served = new Set<string>()
  readonly #lab: Lab
  readonly #victim: Station
  /** Ids whose HELLO is through, by kind. */
  readonly #acquainted = { control: new Set<string>(), bulk: new Set<string>() }
  readonly #listeners: { close(): Promise<void> }[] = []

  constructor(lab: Lab, victim: Station) {
    this.#lab = lab
    this.#victim = victim
    const { events } = victim.connector
    events.on('connected', ({ peer }) => this.#acquainted.control.add(peer.toString()))
    events.on('bulk', ({ remoteId }) => this.#acquainted.bulk.add(remoteId.toString()))
    events.on('frame', (_connection, { header }) => this.#onFrame('control', header))
    victim.services.register(STEADY.header, { access: 'anyone' }, (_connection: Connection, { header }: Message) =>
      this.#onFrame('bulk', header),
    )
  }

  /** HELLO byte by byte, or nothing of it. */
  async beforeHello(dials: boolean, kind: 'control' | 'bulk', pace: 'silent' | 'slow'): Promise<Sloth> {
    const who = this.#stranger(`${pace} before HELLO, ${dials ? 'dialling' : 'dialled'} for ${kind}`)
    const wire = await this.#stream(who, dials, kind)
    const hello = frameOf('pc/hello', helloOf(who.identity, LAB_NETWORK, 'sloth', new Uint8Array(8), kind), 0)
    return this.#play(who, wire, pace === 'slow' ? hello : new Uint8Array(0))
  }

  /** A good HELLO, and then a frame that never ends. */
  async insideFrame(dials: boolean, kind: 'control' | 'bulk', pace: 'silent' | 'slow'): Promise<Sloth> {
    const who = this.#stranger(`${pace} inside a frame, ${dials ? 'dialling' : 'dialled'} for ${kind}`)
    const wire = await this.#stream(who, dials, kind)
    await this.#greet(who, wire, kind)
    wire.write(prefixOf(CLAIMED[kind]))
    wire.write(new Uint8Array(1))
    return this.#play(who, wire, new Uint8Array(pace === 'slow' ? CLAIMED[kind] - 1 : 0))
  }

  /** One frame in small pieces, to its end. */
  async steady(kind: 'control' | 'bulk'): Promise<{ wire: Wire; kind: string }> {
    const who = this.#stranger(`steady on ${kind}`)
    const wire = await this.#stream(who, true, kind)
    await this.#greet(who, wire, kind)
    const bytes = frameOf(STEADY.header, 'x'.repeat(STEADY.bytes), 1)
    for (let from = 0; from < bytes.length; from += STEADY.chunk) {
      wire.write(bytes.subarray(from, from + STEADY.chunk))
      await this.#lab.sleep(STEADY.everyMs)
    }
    return { wire, kind }
  }

  async close(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.close()))
    await this.#victim.close()
  }

  #onFrame(kind: string, header: string): void {
    if (header === STEADY.header) this.served.add(kind)
  }

  #stranger(name: string): Stranger & { name: string } {
    return { name, ...stranger(this.#lab, name, nextAddress(this.#lab)) }
  }

  async #stream({ host, identity }: Stranger, dials: boolean, kind: 'control' | 'bulk'): Promise<Wire> {
    const { connector, open } = this.#victim
    const id = identity.id.toString()
    if (dials) {
      const wire = await Wire.dial(host, this.#victim)
      await this.#lab.until('its stream comes in', () => open.with(id) > 0, ACQUAINTED_MS)
      return wire
    }
    const address = { host: host.address, port: PEER_PORT }
    this.#victim.knows(identity.id, address)
    return new Promise((resolve, reject) => {
      const dial = (listener: { close(): Promise<void> }): void => {
        this.#listeners.push(listener)
        // What becomes of the call is not the question here: whether its stream is cut is.
        if (kind === 'control') connector.control(identity.id).catch(() => {})
        else
          connector.openBulk(identity.id).then(
            (connection) => this.#hear(connection),
            () => {},
          )
      }
      host.listen(address, ({ duplex }) => resolve(new Wire(duplex))).then(dial, reject)
    })
  }

  #hear(connection: Connection): void {
    connection.onMessage(() => {})
    this.#acquainted.bulk.add(connection.remoteId.toString())
  }

  async #greet({ identity }: Stranger, wire: Wire, kind: 'control' | 'bulk'): Promise<void> {
    wire.frame('pc/hello', helloOf(identity, LAB_NETWORK, 'sloth', new Uint8Array(8), kind), 0)
    const known = this.#acquainted[kind]
    await this.#lab.until('its HELLO is taken', () => known.has(identity.id.toString()), ACQUAINTED_MS)
  }

  /** Lets it send its bytes one by one, until it is cut. */
  async #play({ name, identity }: Stranger & { name: string }, wire: Wire, bytes: Uint8Array): Promise<Sloth> {
    // Whoever closes politely must not have to wait for one that does not even read.
    wire.stopReading()
    const id = identity.id.toString()
    const startedAt = this.#lab.now()
    for (let sent = 0, ms = 0; ms < GIVE_UP_MS; ms += LOOK_EVERY_MS) {
      if (this.#victim.open.with(id) === 0) return { name, wire, cutAfterMs: this.#lab.now() - startedAt }
      if (ms >= sent * SLOW_EVERY_MS && sent < bytes.length) wire.write(bytes.subarray(sent, ++sent))
      await this.#lab.sleep(LOOK_EVERY_MS)
    }
    return { name, wire, cutAfterMs: undefined }
  }
}
