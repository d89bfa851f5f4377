import type { Announcement } from '@pc/dispatch'
import type { PeerId } from '@pc/identity'
import type { Address, DatagramSocket } from '@pc/transport'
import type { Value } from '@pc/wire'
import { packAnnouncement, readAnnouncement } from './announcement.js'
import { bytesOfHex, hexOf } from './keys.js'
import { type InterfaceStatus, Links } from './links.js'
import { type DiscoveryOptions, type Hint, type ResolvedOptions, resolveOptions } from './options.js'
import type { Phase } from './schedule.js'
import type { Sighting } from './sightings.js'
import { type DiscoveryCounters, DiscoveryState, type Effect, type Input } from './state.js'

export interface DiscoveryStatus {
  /** `active`: announcing often; `passive`: rarely. */
  readonly state: Phase | 'closed'
  readonly interfaces: readonly InterfaceStatus[]
  /** Unix ms of the last valid announcement or answer. */
  readonly lastHeardAt?: number
  /** Boots counted as connected. */
  readonly connected: number
  /** Boots heard of and not forgotten. */
  readonly known: number
  /** Why nothing can be heard at the moment. */
  readonly receiveError?: string
  readonly counters: DiscoveryStatusCounters
}

export interface DiscoveryStatusCounters extends Readonly<DiscoveryCounters> {
  /** Came in on the shared port from a source that is in the subnet of no interface in use. */
  readonly foreignSubnet: number
  /** Neither announcement nor answer, though the MAC was right. */
  readonly malformed: number
}

interface Numbers {
  readonly epoch: number
  readonly estimate: number
  readonly nonce: Uint8Array
}

/** Node has no event for it. */
const INTERFACE_POLL_MS = 3_000

/**
 * Finds peers on the local network: announces this one on every interface, answers announcements, and gives hints. Which
 * rules it follows is decided in `DiscoveryState`; this is the part that owns sockets, timers and logs.
 */
export class Discovery {
  readonly #options: ResolvedOptions
  readonly #bootId: string
  readonly #state: DiscoveryState
  readonly #links: Links
  readonly #unregister: () => void
  #timer: unknown
  #timerAt = Number.POSITIVE_INFINITY
  #pollTimer: unknown
  #updating: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined
  #lastHeardAt: number | undefined
  #foreignSubnet = 0
  #malformed = 0

  /**
   * Opens what sockets it can and starts announcing. Resolves even when no interface works: `status()` tells, and every
   * 3 s it is tried again.
   * @throws DiscoveryError INVALID_OPTION, DispatchError HANDLER_EXISTS or CLOSED
   */
  static async create(options: DiscoveryOptions): Promise<Discovery> {
    const { signal } = options
    signal?.throwIfAborted()
    const discovery = new Discovery(resolveOptions(options))
    discovery.#poll()
    await discovery.#updating
    if (signal?.aborted) {
      await discovery.close()
      throw signal.reason
    }
    discovery.#feed({ type: 'start' })
    return discovery
  }

  private constructor(options: ResolvedOptions) {
    this.#options = options
    this.#bootId = hexOf(options.bootId)
    this.#state = new DiscoveryState({ random: options.random })
    this.#links = new Links({
      protocol: options.protocol,
      port: options.discoveryPort,
      group: options.group,
      onDatagram: (bytes, from) => this.#onDatagram(bytes, from),
      logger: options.logger,
    })
    this.#unregister = options.endpoint.onAnnouncement((announcement) => this.#onAnnouncement(announcement))
  }

  /** A connection to that boot stands: no hints for it, fewer answers to it. */
  connected(bootId: Uint8Array): void {
    this.#feed({ type: 'connected', bootId: hexOf(bootId) })
  }

  /** No connection to that boot is left. When it was the last of all, the search starts anew. */
  disconnected(bootId: Uint8Array): void {
    this.#feed({ type: 'disconnected', bootId: hexOf(bootId) })
  }

  /** Whether the hint can be from the peer `id`: then `expect` that peer when dialling. Anybody can copy a hint. */
  matches(hint: Pick<Hint, 'blindedId' | 'epoch'>, id: PeerId): boolean {
    return hexOf(this.#options.network.blind(id, hint.epoch)) === hexOf(hint.blindedId)
  }

  /** How it goes, for people and metrics. */
  status(): DiscoveryStatus {
    return {
      state: this.#closing === undefined ? this.#state.phase : 'closed',
      interfaces: this.#links.status(),
      connected: this.#state.connected,
      known: this.#state.sightings,
      counters: { ...this.#state.counters, foreignSubnet: this.#foreignSubnet, malformed: this.#malformed },
      ...(this.#lastHeardAt === undefined ? {} : { lastHeardAt: this.#lastHeardAt }),
      ...(this.#links.receiveError === undefined ? {} : { receiveError: this.#links.receiveError }),
    }
  }

  /** Falls silent and closes the sockets; resolves when they are closed. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #shutDown(): Promise<void> {
    this.#unregister()
    this.#options.clock.clearTimeout(this.#timer)
    this.#options.clock.clearTimeout(this.#pollTimer)
    await this.#links.close()
    await this.#updating
  }

  #onDatagram(bytes: Uint8Array, from: Address): void {
    if (this.#closing !== undefined) return
    // The socket hears all interfaces of the machine, also those that must not be used.
    if (this.#links.nameOf(from.host) === undefined) this.#foreignSubnet++
    else this.#options.endpoint.receive(bytes, from, undefined, { announcementsOnly: true })
  }

  #onAnnouncement({ body, bootId: boot, from }: Announcement): void {
    const bootId = hexOf(boot)
    if (bootId === this.#bootId) return
    const read = readAnnouncement(body)
    if (read === undefined) {
      this.#malformed++
      return
    }
    this.#lastHeardAt = this.#options.clock.unixNow()
    const interfaceName = this.#links.noteHeard(from.host)
    this.#feed({ type: 'heard', body: read, bootId, from, interfaceName })
  }

  #feed(input: Input): void {
    if (this.#closing !== undefined) return
    for (const effect of this.#state.handle(input, this.#options.clock.now())) this.#perform(effect)
    this.#setTimer()
  }

  #setTimer(): void {
    const { clock } = this.#options
    const { wakeAt } = this.#state
    // Most of what is heard changes nothing about it.
    if (wakeAt === this.#timerAt && this.#closing === undefined) return
    clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#timerAt = wakeAt
    if (this.#closing !== undefined || wakeAt === Number.POSITIVE_INFINITY) return
    this.#timer = clock.setTimeout(this.#onTimer, Math.max(0, wakeAt - clock.now()))
  }

  readonly #onTimer = (): void => {
    this.#timerAt = Number.POSITIVE_INFINITY
    this.#feed({ type: 'timer' })
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'announce':
        void this.#announce(effect)
        break
      case 'answer':
        void this.#answer(effect)
        break
      case 'hint':
        this.#hint(effect.hint)
        break
      default:
        effect satisfies never
    }
  }

  async #announce(fields: Numbers): Promise<void> {
    const { endpoint, group, discoveryPort } = this.#options
    const body = this.#body(fields, true)
    const to = { host: group, port: discoveryPort }
    await this.#links.sendByAll((via) => endpoint.announce(body, to, via))
  }

  async #answer(fields: Numbers & { to: Address }): Promise<void> {
    const { endpoint, logger } = this.#options
    const { to } = fields
    const body = this.#body(fields, false)
    const send = (via?: DatagramSocket): Promise<void> => endpoint.announce(body, to, via)
    try {
      // Asked from another subnet, at our own port: routing decides, and any of the peer's sockets will do.
      if (!(await this.#links.sendTowards(to.host, send))) await send()
    } catch (error) {
      logger.debug({ error, to }, 'cannot answer')
    }
  }

  #body({ epoch, estimate, nonce }: Numbers, wantsAnswers: boolean): Value {
    const { network, id, port } = this.#options
    return packAnnouncement({ wantsAnswers, blindedId: network.blind(id, epoch), epoch, port, estimate, nonce })
  }

  #hint({ bootId, address, blindedId, epoch, source, interfaceName }: Sighting): void {
    const hint: Hint = {
      address,
      blindedId,
      epoch,
      bootId: bytesOfHex(bootId),
      source,
      ...(interfaceName === undefined ? {} : { interface: interfaceName }),
    }
    this.#options.logger.debug({ address, source }, 'hint')
    try {
      this.#options.onHint(hint)
    } catch (error) {
      this.#options.logger.error({ error }, 'onHint threw')
    }
  }

  #poll(): void {
    this.#updating = this.#update().finally(() => {
      if (this.#closing !== undefined) return
      this.#pollTimer = this.#options.clock.setTimeout(() => this.#poll(), INTERFACE_POLL_MS)
    })
  }

  async #update(): Promise<void> {
    try {
      const changed = await this.#links.update(this.#options.interfaces())
      if (changed) this.#feed({ type: 'interfaces-changed' })
    } catch (error) {
      this.#options.logger.error({ error }, 'cannot look at the interfaces')
    }
  }
}
