import { NOTHING_TO_SETTLE } from './agenda.js'
import { TestkitError } from './errors.js'
import type { Machine } from './machine.js'
import type { PortOwner } from './ports.js'
import type { Processor } from './processor.js'
import { drawLosses, MAX_RETRANSMISSIONS, retransmissionMs } from './retransmission.js'
import { type ParsedHost, requireAddress, type SimulatedAddress } from './simulated-address.js'
import type { SimulatedStream } from './simulated-host.js'
import { StreamEnd } from './stream-end.js'
import type { StreamNetwork } from './stream-path.js'
import type { QueuedTimer } from './timer-queue.js'

/** Linux's first wait before it repeats an unanswered SYN; doubled each time. */
const FIRST_SYN_RETRY_MS = 1_000
const CHANNEL_BINDING_BYTES = 32
/** Three unanswered ARP requests, one second apart: then the machine reports that there is no such neighbour. */
const NO_NEIGHBOUR_MS = 3_000

/** One life of a host, as far as streams need it. */
export interface StreamOwner {
  readonly id: unknown
  readonly machine: Machine
  readonly processor: Processor
  /** Keeps a stream until it is closed, so that it ends with the life. */
  keep(stream: StreamEnd): void
}

export interface ListeningSocket extends PortOwner {
  readonly shared: false
  readonly owner: StreamOwner
  readonly onStream: (stream: SimulatedStream<unknown>) => void
  readonly admits: (from: SimulatedAddress) => boolean
}

/** Who dials whom, and what becomes of it; one of the two is called once, or none if `cut` comes first. */
export interface StreamDialOptions {
  readonly owner: StreamOwner
  readonly address: SimulatedAddress
  readonly expect: unknown
  readonly onStream: (stream: SimulatedStream<unknown>) => void
  readonly onError: (error: Error) => void
}

/** One attempt to connect: a round trip for the connection, then one for the handshake that proves the ids. */
export class StreamDial {
  readonly #network: StreamNetwork
  readonly #options: StreamDialOptions
  readonly #target: ParsedHost
  readonly #source: string
  /** Of this end; drawn when it is needed first. */
  #port: number | undefined
  #synRetryMs = FIRST_SYN_RETRY_MS
  #synTimer: QueuedTimer | undefined
  readonly #packets = new Set<QueuedTimer>()
  #over = false

  constructor(network: StreamNetwork, options: StreamDialOptions) {
    this.#network = network
    this.#options = options
    this.#target = requireAddress(options.address, 1)
    const via = options.owner.machine.routeTo(this.#target)
    if (via?.address === undefined || this.#target.kind === 'multicast') {
      throw new TestkitError('UNREACHABLE', `no interface of this machine leads to ${options.address.host}`)
    }
    this.#source = via.address
    this.#knock()
  }

  /** Gives up without a word. */
  cut(): void {
    this.#over = true
    if (this.#synTimer !== undefined) this.#network.agenda.cancel(this.#synTimer)
    for (const packet of this.#packets) this.#network.agenda.cancel(packet)
    this.#packets.clear()
  }

  #knock(): void {
    const { agenda } = this.#network
    const { owner, address } = this.#options
    const there = this.#machineThere()
    if (there === undefined) {
      const error = new TestkitError('UNREACHABLE', `no host has the address ${address.host}`)
      this.#synTimer = agenda.after(NO_NEIGHBOUR_MS, { fire: () => this.#fail(error) }, owner.processor)
      return
    }
    this.#synTimer = agenda.after(this.#synRetryMs, { fire: () => this.#knockAgain() }, owner.processor)
    // The handshake of TCP, which kernels do by themselves.
    this.#trip(owner.machine, there, () => {
      const listening = there.listeners.find(this.#target.host, this.#target.family, address.port)
      this.#trip(there, owner.machine, () => this.#onAnswer(listening))
      return NOTHING_TO_SETTLE
    })
  }

  #knockAgain(): unknown {
    this.#synRetryMs *= 2
    this.#knock()
    return NOTHING_TO_SETTLE
  }

  /** The answer to the first SYN that got through and back; those to its repetitions change nothing. */
  #onAnswer(listening: ListeningSocket | undefined): unknown {
    if (this.#over || this.#synTimer === undefined) return NOTHING_TO_SETTLE
    this.#network.agenda.cancel(this.#synTimer)
    this.#synTimer = undefined
    const { owner, address } = this.#options
    if (listening === undefined) {
      return this.#fail(
        new TestkitError('CONNECTION_REFUSED', `nobody listens on port ${address.port} of ${address.host}`),
      )
    }
    const { handshakeHostMs } = this.#network.links.conditions
    // The handshake: to the other side, and back when its host had time for it.
    this.#reliably(owner, listening.owner, () => {
      if (listening.owner.processor.dead) return this.#fail(resetError(address))
      const finish = (): void => {
        owner.processor.spend(handshakeHostMs)
        this.#handOver(listening)
      }
      const answer = (): unknown => {
        if (!listening.admits(this.#here())) {
          this.#reliably(listening.owner, owner, () => this.#fail(notLetIn(address)))
          return NOTHING_TO_SETTLE
        }
        listening.owner.processor.spend(handshakeHostMs)
        this.#reliably(listening.owner, owner, () => owner.processor.run({ fire: finish }))
        return NOTHING_TO_SETTLE
      }
      return listening.owner.processor.run({ fire: answer })
    })
    return NOTHING_TO_SETTLE
  }

  #handOver(listening: ListeningSocket): void {
    if (this.#over) return
    const { owner, address, expect } = this.#options
    const { owner: there } = listening
    if (there.processor.dead) {
      this.#fail(resetError(address))
      return
    }
    if (same(there.id, owner.id)) {
      this.#fail(
        new TestkitError('SELF_DIALLED', `${address.host} port ${address.port} leads back to this host itself`),
      )
      return
    }
    if (expect !== undefined && !same(there.id, expect)) {
      const text = `expected ${expect} at ${address.host} port ${address.port}, but ${there.id} is there`
      this.#fail(new TestkitError('WRONG_PEER', text))
      return
    }
    this.#over = true
    this.#options.onStream(this.#connect(listening))
  }

  #connect(listening: ListeningSocket): SimulatedStream<unknown> {
    const { owner, address } = this.#options
    const { owner: there } = listening
    const here = this.#here()
    const acceptedAt = { host: this.#target.host, port: address.port }
    const channelBinding = this.#network.links.bindings.bytes(CHANNEL_BINDING_BYTES)
    const dialled = new StreamEnd({ machine: owner.machine, processor: owner.processor, address: here }, () => {})
    const accepted: StreamEnd = new StreamEnd(
      { machine: there.machine, processor: there.processor, address: acceptedAt },
      () => {
        if (!there.machine.listeners.at(address.port).includes(listening)) {
          accepted.abandon(true)
          return
        }
        const remoteAddress = { ...here }
        const localAddress = { ...acceptedAt }
        listening.onStream({
          duplex: accepted,
          remoteId: owner.id,
          remoteAddress,
          localAddress,
          dialled: false,
          channelBinding: Uint8Array.from(channelBinding),
        })
      },
    )
    owner.keep(dialled)
    there.keep(accepted)
    StreamEnd.join(this.#network, dialled, accepted)
    return {
      duplex: dialled,
      remoteId: there.id,
      remoteAddress: { ...address },
      localAddress: { ...here },
      dialled: true,
      channelBinding,
    }
  }

  #here(): SimulatedAddress {
    this.#port ??= this.#options.owner.machine.listeners.ephemeralPort()
    return { host: this.#source, port: this.#port }
  }

  /** A packet without anybody to send it again. */
  #trip(from: Machine, to: Machine, then: () => unknown): void {
    const { agenda, links } = this.#network
    if (drawLosses(links.between(from, to).loss, 0, links.random) > 0 && from !== to) return
    this.#later(agenda.now + links.delay(from, to), () => (this.#passable(from, to) ? then() : NOTHING_TO_SETTLE))
  }

  /** A packet of an established connection, which is sent again until it gets through. */
  #reliably(sender: StreamOwner, receiver: StreamOwner, then: () => unknown, attempt = 0): void {
    const { agenda, links } = this.#network
    const [from, to] = [sender.machine, receiver.machine]
    const lost = from !== to && drawLosses(links.between(from, to).loss, 0, links.random) > 0
    const delay = links.delay(from, to)
    const again = (): unknown => {
      this.#reliably(sender, receiver, then, attempt + 1)
      return NOTHING_TO_SETTLE
    }
    const arrive = (): unknown => {
      if (!lost && this.#passable(from, to)) return then()
      if (attempt < MAX_RETRANSMISSIONS) this.#later(agenda.now + retransmissionMs(attempt) - delay, again)
      return NOTHING_TO_SETTLE
    }
    this.#later(sender.processor.readyAt + delay, arrive)
  }

  /** Cut with everything else of this dial. */
  #later(moment: number, then: () => unknown): void {
    const fire = (): unknown => {
      this.#packets.delete(packet)
      return then()
    }
    const packet: QueuedTimer = this.#network.agenda.at(moment, { fire })
    this.#packets.add(packet)
  }

  #passable(from: Machine, to: Machine): boolean {
    return !this.#options.owner.processor.dead && from.on && this.#network.links.passable(from, to)
  }

  #machineThere(): Machine | undefined {
    const { machine } = this.#options.owner
    const via = machine.routeTo(this.#target)
    if (via === undefined) return undefined
    return machine.owns(this.#target) ? machine : this.#network.topology.find(this.#target, via)
  }

  #fail(error: Error): unknown {
    if (this.#over) return NOTHING_TO_SETTLE
    this.cut()
    return this.#options.owner.processor.run({ fire: () => this.#options.onError(error) })
  }
}

function resetError(address: SimulatedAddress): TestkitError {
  return new TestkitError(
    'CONNECTION_REFUSED',
    `the process on port ${address.port} of ${address.host} ended during the handshake`,
  )
}

function notLetIn(address: SimulatedAddress): TestkitError {
  return new TestkitError('CONNECTION_RESET', `port ${address.port} of ${address.host} cut the connection at once`)
}

function same(a: unknown, b: unknown): boolean {
  const comparable = a as { equals?: unknown } | null | undefined
  return typeof comparable?.equals === 'function' ? comparable.equals(b) === true : a === b
}
