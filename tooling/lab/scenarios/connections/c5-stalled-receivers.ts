/**
 * C5: receivers that keep a connection alive and read nothing. Whoever sends to them holds at most 2 MiB for each, frames and answers
 * alike: what is more is refused with SEND_QUEUE_FULL. Others are served meanwhile.
 */
import type { PeerId } from '@pc/identity'
import type { Connection, ControlConnection } from '@pc/transport'
import { codeOf } from '../../claims.js'
import { heldBytes } from '../../held-bytes.js'
import type { Lab } from '../../lab.js'
import { introduce, LAB_NETWORK, nextAddress, Station } from '../../station.js'
import { helloOf, stranger, Wire } from '../../stranger.js'
import { keepAsking } from './keep-asking.js'

const MIB = 1_048_576
const HELD_MIB = 2
/** Below the 10 s after which a connection whose queue stays full may be cut: what is held is looked at before. */
const POUR_MS = 6_000
const POUR_EVERY_MS = 200
/** 7.5 MB a second to each, in frames that fit every kind of connection. */
const FRAMES = 25
const PAYLOAD = new Uint8Array(60_000).fill(1)
/** Less than the silence after which an acceptor gives up. */
const PING_EVERY_MS = 2_000
const ACQUAINTED_MS = 10_000
/** A service on bulk connections, and a request, that give as much as anybody takes. */
const POUR = 'lab/pour'

/** Somebody who does not read, and how to send to him. */
interface Stalled {
  readonly wire: Wire
  /** Sends once; rejects when that is refused. */
  readonly send: () => Promise<void>
  /** Whether a full queue is told to whoever sends, and not only logged. */
  readonly tells: boolean
  readonly queuedBytes: () => number
}

const KINDS = ['control', 'bulk', 'asking'] as const

export async function stalledReceivers(lab: Lab): Promise<void> {
  const sender = await Station.start(lab, { name: 'sender to the stalled' })
  const friend = await Station.start(lab, { name: 'friend of the sender' })
  introduce(sender, friend)
  await friend.ask(sender)
  const stage = new Stage(lab, sender)
  let most = 0
  for (const kind of KINDS) {
    const all: Stalled[] = []
    for (let count = 1; count <= lab.option('stalled'); count++) all.push(await stage[kind](`${kind} ${count}`))
    const before = heldBytes()
    const until = lab.now() + POUR_MS
    const asking = keepAsking(lab, friend, sender, until)
    const queued = Math.max(...(await Promise.all(all.map((one) => pourInto(lab, one, until)))))
    await asking
    const each = (heldBytes() - before) / all.length
    // Not a note, which belongs to the trace: memory is not a function of the seed.
    lab.log.add(lab.now(), `${kind}: ${(each / MIB).toFixed(2)} MiB held for each, ${queued} bytes queued`)
    most = Math.max(most, each, queued)
    for (const { wire } of all) wire.destroy()
  }
  lab.figure('c5_sender_mib', most / MIB, { atMost: HELD_MIB })
  lab.check(
    'answers that nobody reads were asked for',
    stage.answers > FRAMES * lab.option('stalled'),
    `${stage.answers}`,
  )
  await Promise.all([sender.close(), friend.close()])
}

class Stage {
  /** Calls of the handler whose answers nobody reads. */
  answers = 0
  readonly #lab: Lab
  readonly #sender: Station
  readonly #bulk = new Map<string, Connection>()

  constructor(lab: Lab, sender: Station) {
    this.#lab = lab
    this.#sender = sender
    sender.messaging.handle(POUR, { access: 'anyone', concurrency: FRAMES * 2 }, () => {
      this.answers += 1
      return PAYLOAD
    })
    sender.services.register(POUR, { access: 'anyone', concurrency: lab.option('stalled') }, async (connection) => {
      this.#bulk.set(connection.remoteId.toString(), connection)
      connection.onMessage(() => {})
      await connection.closed
    })
  }

  /** Gets frames over its control connection. */
  async control(name: string): Promise<Stalled> {
    const { wire, control } = await this.#acquainted(name)
    return { wire, send: () => control.send(POUR, control.nextId(), PAYLOAD), tells: true, queuedBytes: () => 0 }
  }

  /** Gets frames over a bulk connection. */
  async bulk(name: string): Promise<Stalled> {
    const { peer, wire } = await this.#stranger(name, 'bulk')
    const id = peer.toString()
    wire.frame(POUR, null)
    await this.#lab.until('its service begins', () => this.#bulk.has(id), ACQUAINTED_MS)
    const connection = this.#bulk.get(id) as Connection
    wire.stopReading()
    return {
      wire,
      send: () => connection.send({ header: POUR, id: 1, body: PAYLOAD }),
      tells: true,
      queuedBytes: () => connection.queuedBytes,
    }
  }

  /** Asks for answers, one after the other. */
  async asking(name: string): Promise<Stalled> {
    const { wire } = await this.#acquainted(name)
    const ask = async (): Promise<void> => wire.frame('pc/request', { name: POUR, ttl: 10_000, body: null })
    return { wire, send: ask, tells: false, queuedBytes: () => 0 }
  }

  async #acquainted(name: string): Promise<{ wire: Wire; control: ControlConnection }> {
    const { wire, peer } = await this.#stranger(name, 'control')
    const { connector } = this.#sender
    await this.#lab.until('its HELLO is taken', () => connector.current(peer) !== undefined, ACQUAINTED_MS)
    wire.stopReading()
    return { wire, control: connector.current(peer) as ControlConnection }
  }

  async #stranger(name: string, kind: 'control' | 'bulk'): Promise<{ wire: Wire; peer: PeerId }> {
    const { identity, host } = stranger(this.#lab, `stalled ${name}`, nextAddress(this.#lab))
    const wire = await Wire.dial(host, this.#sender)
    wire.frame('pc/hello', helloOf(identity, LAB_NETWORK, name, new Uint8Array(8), kind), 0)
    return { wire, peer: identity.id }
  }
}

/** As fast as anybody can, whatever comes of it. Returns the most bytes that were queued. */
async function pourInto(lab: Lab, { wire, send, tells, queuedBytes }: Stalled, until: number): Promise<number> {
  const refusals = new Set<string | undefined>()
  const refuse = (error: unknown): void => void refusals.add(codeOf(error))
  let most = 0
  let pingAt = lab.now()
  while (lab.now() < until) {
    for (let frame = 0; frame < FRAMES; frame++) send().catch(refuse)
    if (lab.now() >= pingAt) {
      wire.frame('pc/ping', null)
      pingAt += PING_EVERY_MS
    }
    await lab.sleep(POUR_EVERY_MS)
    most = Math.max(most, queuedBytes())
  }
  const codes = (): string => `refused with ${[...refusals].join(', ') || 'nothing'}`
  lab.check('sends to who does not read are refused', !tells || refusals.has('SEND_QUEUE_FULL'), codes)
  lab.check(
    'they are refused for that alone',
    [...refusals].every((code) => code === 'SEND_QUEUE_FULL'),
    codes,
  )
  return most
}
