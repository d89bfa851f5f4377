import { EventEmitter } from 'node:events'
import type { PeerId } from '@pc/identity'
import type { VirtualClock } from '@pc/testkit'
import {
  type CloseReason,
  type Connector,
  type ConnectorEvents,
  type ControlConnection,
  TransportError,
} from '@pc/transport'
import type { Person } from './people.js'

/** What a dial meets: an answer, a refusal after a round trip, nothing at all, or a limit on this side. */
export type There = 'answers' | 'refuses' | 'silence' | 'busy'

/** A connector without a network: the test says who is there. */
export class FakeConnector implements Pick<Connector, 'control' | 'reach' | 'current' | 'events'> {
  readonly events: EventEmitter<ConnectorEvents> = new EventEmitter<ConnectorEvents>()
  /** What all connections say about it. */
  lastHeardAt = 0
  readonly dials: { to: string; at: number }[] = []
  readonly #clock: VirtualClock
  readonly #there = new Map<string, { person: Person; there: There }>()
  readonly #live = new Map<string, ControlConnection>()
  readonly #silent = new Set<ControlConnection>()

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  place(person: Person, there: There): void {
    this.#there.set(person.id.toString(), { person, there })
  }

  current(peer: PeerId): ControlConnection | undefined {
    return this.#live.get(peer.toString())
  }

  async control(peer: PeerId, options: { signal?: AbortSignal } = {}): Promise<ControlConnection> {
    options.signal?.throwIfAborted()
    return this.current(peer) ?? this.reach(peer, options)
  }

  async reach(peer: PeerId, options: { signal?: AbortSignal } = {}): Promise<ControlConnection> {
    options.signal?.throwIfAborted()
    const place = this.#there.get(peer.toString())
    this.dials.push({ to: place?.person.record.name ?? peer.short, at: this.#clock.now() })
    await new Promise<void>((resolve, reject) => {
      options.signal?.addEventListener('abort', () => reject(options.signal?.reason), { once: true })
      if (place?.there !== 'silence') this.#clock.setTimeout(resolve, 2)
    })
    if (place?.there === 'busy') throw new TransportError('RESOURCE_BUSY', 'too many connections')
    if (place?.there !== 'answers') throw new Error('nobody listens there')
    return this.current(peer) ?? this.connect(place.person)
  }

  /** The other side connects. */
  connect(person: Person): ControlConnection {
    const clock = this.#clock
    this.lastHeardAt = clock.now()
    const lastHeardAt = (): number => this.lastHeardAt
    let resolveClosed: (reason: CloseReason) => void = () => {}
    const connection: ControlConnection = {
      peer: person.id,
      bootId: new Uint8Array(8),
      record: person.record,
      features: [],
      remoteAddress: { host: '10.0.0.1', port: 3485 },
      dialled: true,
      closed: new Promise((resolve) => {
        resolveClosed = resolve
      }),
      get lastHeardAt() {
        return lastHeardAt()
      },
      nextId: () => 1,
      send: async () => {},
      ping: async () => {
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 4))
        if (this.#silent.has(connection)) throw new Error('no answer')
        return 4
      },
    }
    this.events.once('disconnected', (gone, reason) => gone === connection && resolveClosed(reason))
    this.#live.set(person.id.toString(), connection)
    this.events.emit('connected', connection)
    return connection
  }

  /** Nobody answers pings over its connection any more. */
  silence(person: Person): void {
    const connection = this.current(person.id)
    if (connection !== undefined) this.#silent.add(connection)
  }

  lose(person: Person, reason: CloseReason): void {
    const connection = this.current(person.id)
    if (connection === undefined) throw new Error(`${person.record.name} is not connected`)
    this.#live.delete(person.id.toString())
    this.events.emit('disconnected', connection, reason)
  }
}
