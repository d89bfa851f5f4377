/** A machine with nothing but its connections: key, listener, connector and messaging, put together and closed as `createPeer` does. */
import { ConnectionDispatcher } from '@pc/dispatch'
import { createIdentity, type Identity, type Network, openNetwork, type PeerId, signPeerRecord } from '@pc/identity'
import { Messaging, type MessagingLimits } from '@pc/messaging'
import type { SimulatedHost } from '@pc/testkit'
import { Acceptor, type Address, type ConnectionLimits, Connector, PeerBook, type StreamListener } from '@pc/transport'
import { errorsInto } from '../fuzz/targets/error-log.js'
import { addressOf } from './addresses.js'
import { codeOf, readClaims } from './claims.js'
import type { Attempt } from './history.js'
import type { Lab } from './lab.js'
import { OpenCount, watched } from './watched-protocol.js'

export const LAB_NETWORK: Network = openNetwork('lab')
/** The request that every station answers, with the number it was asked with. */
export const WORK = 'lab/work'
const PORT = 3_485
/** A request has 1 s. */
const REQUEST_MS = 1_000
/** Of the stations' one handler: places are not what the scenarios of connections are about. */
const PLACES = 4_096

export interface StationOptions {
  readonly name: string
  readonly limits?: Partial<ConnectionLimits>
  readonly messaging?: MessagingLimits
  /** How long its handler takes, ms; asked for each request. @default 0 */
  readonly workMs?: () => number
}

interface Parts {
  readonly identity: Identity
  readonly host: SimulatedHost<PeerId>
  readonly book: PeerBook
  readonly open: OpenCount
  readonly connector: Connector
  readonly acceptor: Acceptor
  readonly messaging: Messaging
  readonly services: ConnectionDispatcher
  readonly listener: StreamListener
  readonly errors: readonly unknown[]
}

export class Station {
  readonly name: string
  readonly #lab: Lab
  readonly #parts: Parts

  private constructor(lab: Lab, name: string, parts: Parts) {
    this.#lab = lab
    this.name = name
    this.#parts = parts
  }

  /** On a machine of its own that is added to the network. Keys and chance come from the seed and the name. */
  static async start(lab: Lab, options: StationOptions): Promise<Station> {
    const { name, limits = {}, workMs = () => 0 } = options
    const random = lab.random.stream(`station ${name}`)
    const identity = createIdentity(random.stream('key').bytes(32))
    const address = nextAddress(lab)
    const host = lab.network.host({ id: identity.id, interfaces: [{ name: 'eth0', address, netmask: '255.0.0.0' }] })
    lab.recorder.identity(identity.id.toString(), name)
    const errors: unknown[] = []
    // Nothing else is kept: what a scenario measures must not be its own log.
    const ports = { clock: host.clock, random, logger: errorsInto(errors) }
    const open = new OpenCount()
    const book = new PeerBook()
    const record = signPeerRecord(identity, {
      sequence: 1,
      name,
      addresses: [{ host: address, port: PORT }],
      capabilities: [],
    })
    const protocol = watched(host, open)
    const bootId = random.bytes(8)
    const connector = Connector.create({
      ...ports,
      limits,
      identity,
      protocol,
      network: LAB_NETWORK,
      bootId,
      record: () => record,
      peerBook: book,
    })
    const authorize = (): boolean => true
    const services = new ConnectionDispatcher({ authorize, logger: ports.logger })
    connector.events.on('bulk', (connection) => services.park(connection))
    const messaging = Messaging.create({
      ...ports,
      connector,
      authorize,
      ...(options.messaging && { limits: options.messaging }),
    })
    messaging.handle(WORK, { access: 'anyone', concurrency: PLACES, queue: PLACES }, async (input, { peer }) => {
      const claims = readClaims(input)
      const provedFrom = lab.recorder.history.ids.get(peer.toString()) ?? peer.toString()
      lab.recorder.executed({ by: lifeOf(name), at: lab.now(), provedFrom, claims })
      const ms = workMs()
      if (ms > 0) await new Promise<void>((resolve) => void host.clock.setTimeout(resolve, ms))
      return claims.number
    })
    const acceptor = new Acceptor({ ...ports, connector, limits })
    const listener = await protocol.listen({ host: address, port: PORT }, acceptor.accept)
    const parts = { identity, host, book, open, connector, acceptor, messaging, services, listener, errors }
    return new Station(lab, name, parts)
  }

  get id(): PeerId {
    return this.#parts.identity.id
  }

  get host(): SimulatedHost<PeerId> {
    return this.#parts.host
  }

  get address(): Address {
    return { host: this.host.address, port: PORT }
  }

  /** Streams that have not ended here. */
  get open(): OpenCount {
    return this.#parts.open
  }

  get connector(): Connector {
    return this.#parts.connector
  }

  get acceptor(): Acceptor {
    return this.#parts.acceptor
  }

  /** Of bulk connections that others open. */
  get services(): ConnectionDispatcher {
    return this.#parts.services
  }

  get messaging(): Messaging {
    return this.#parts.messaging
  }

  /** What it logged as an error: faults that were caught, and should not have happened. */
  get errors(): readonly unknown[] {
    return this.#parts.errors
  }

  /** Knows from now on where the other one is. */
  knows(id: PeerId, address: Address): void {
    this.#parts.book.noteHint(id, address)
  }

  /** Asks the other's handler, and books what came of it. Never rejects. */
  async ask(to: Station, options: { timeoutMs?: number } = {}): Promise<Attempt> {
    const { timeoutMs = REQUEST_MS } = options
    const { recorder } = this.#lab
    const from = lifeOf(this.name)
    const attempt = recorder.attempt({ kind: 'request', from, to: to.name, at: this.#lab.now(), timeoutMs })
    const startedAt = this.host.clock.now()
    const settle = (outcome: Attempt['outcome']): void =>
      recorder.settle(attempt, outcome, this.#lab.now(), this.host.clock.now() - startedAt)
    try {
      const payload = { from, to: to.name, number: attempt.number }
      const answer = await this.messaging.request(to.id, WORK, payload, { timeoutMs })
      if (answer !== attempt.number) attempt.wrongAnswer = JSON.stringify(answer)
      settle('done')
    } catch (error) {
      settle({ rejected: codeOf(error) })
    }
    return attempt
  }

  /** Politely: no stream comes in any more, what is under way is done, then everybody is told. */
  async close(): Promise<void> {
    const { acceptor, listener, messaging, services, connector } = this.#parts
    acceptor.close()
    await listener.close()
    await Promise.all([messaging.close(), services.close()])
    await connector.close()
  }

  /** Its machine loses power: nobody is told, and nothing of it is ever called again. */
  powerOff(): void {
    this.#lab.note(`${this.name} loses power`)
    this.#lab.recorder.cutOff(lifeOf(this.name))
    this.#lab.network.powerOff(this.host)
  }
}

/** Two that know where the other one is. */
export function introduce(a: Station, b: Station): void {
  a.knows(b.id, b.address)
  b.knows(a.id, a.address)
}

/** One that no machine has. */
export function nextAddress({ network }: Lab): string {
  return addressOf(network.hosts.length, 0)
}

/** Stations do not restart. */
function lifeOf(name: string): string {
  return `${name}#1`
}
