/**
 * The sockets of discovery: one that receives on all interfaces, one per interface that sends. What cannot be opened is
 * reported and tried again; nothing here ever rejects because of the network.
 */
import type {
  Address,
  BindOptions,
  DatagramHandler,
  DatagramSocket,
  Logger,
  NetworkInterface,
  NetworkProtocol,
} from '@pc/transport'
import { inSubnet } from '@pc/transport'

/** One interface, and how discovery fares on it. */
export interface InterfaceStatus {
  readonly name: string
  readonly address: string
  /** Announcements and answers that left by it. */
  readonly sent: number
  /** Valid announcements and answers that seem to have come in by it: inferred from their source, for Node does not tell. */
  readonly heard: number
  readonly sendErrors: number
  /** What keeps it from working now. */
  readonly error?: string
}

interface Link {
  readonly key: string
  readonly networkInterface: NetworkInterface
  socket: DatagramSocket | undefined
  joined: boolean
  sent: number
  heard: number
  sendErrors: number
  error: string | undefined
}

export interface LinksOptions {
  readonly protocol: NetworkProtocol
  readonly port: number
  readonly group: string
  readonly onDatagram: DatagramHandler
  readonly logger: Logger
}

export class Links {
  readonly #options: LinksOptions
  readonly #links = new Map<string, Link>()
  #receiver: DatagramSocket | undefined
  #receiveError: string | undefined
  #closing = false

  constructor(options: LinksOptions) {
    this.#options = options
  }

  /** What keeps announcements from being received now. */
  get receiveError(): string | undefined {
    return this.#receiveError
  }

  status(): InterfaceStatus[] {
    return [...this.#links.values()].map(({ networkInterface, sent, heard, sendErrors, error }) => ({
      name: networkInterface.name,
      address: networkInterface.address,
      sent,
      heard,
      sendErrors,
      ...(error === undefined ? {} : { error }),
    }))
  }

  /** The interface that a datagram from `host` came in by, as far as its source tells. */
  nameOf(host: string): string | undefined {
    return this.#linkOf(host)?.networkInterface.name
  }

  /** Counts something valid from `host`. Returns what `nameOf` does. */
  noteHeard(host: string): string | undefined {
    const link = this.#linkOf(host)
    if (link !== undefined) link.heard++
    return link?.networkInterface.name
  }

  /**
   * Opens what is missing and closes what is gone. Not to be called again before it has settled.
   * @returns whether anything that works has come, or anything has gone
   */
  async update(interfaces: readonly NetworkInterface[]): Promise<boolean> {
    const wanted = new Map(interfaces.filter(({ family }) => family === 4).map((one) => [keyOf(one), one]))
    let changed = false
    for (const link of [...this.#links.values()]) {
      if (wanted.has(link.key)) continue
      this.#links.delete(link.key)
      await this.#drop(link)
      changed = true
    }
    await this.#openReceiver()
    for (const [key, networkInterface] of wanted) {
      if (this.#closing) break
      changed = (await this.#open(key, networkInterface)) || changed
    }
    return changed
  }

  /** Sends by every interface, through `send`; failures are counted at their interface. */
  async sendByAll(send: (via: DatagramSocket) => Promise<void>): Promise<void> {
    await Promise.all([...this.#links.values()].map((link) => this.#sendBy(link, send)))
  }

  /** Sends by the interface whose subnet `host` is in. `false`: there is none. */
  async sendTowards(host: string, send: (via: DatagramSocket) => Promise<void>): Promise<boolean> {
    const link = this.#linkOf(host)
    if (link?.socket === undefined) return false
    await this.#sendBy(link, send)
    return true
  }

  async close(): Promise<void> {
    this.#closing = true
    const links = [...this.#links.values()]
    this.#links.clear()
    const receiver = this.#receiver
    this.#receiver = undefined
    await Promise.all([receiver?.close(), ...links.map(({ socket }) => socket?.close())])
  }

  #linkOf(host: string): Link | undefined {
    for (const link of this.#links.values()) {
      if (inSubnet(host, link.networkInterface)) return link
    }
    return undefined
  }

  async #openReceiver(): Promise<void> {
    if (this.#receiver !== undefined || this.#closing) return
    const { port } = this.#options
    try {
      await this.#bind({ host: '0.0.0.0', port, shareAddress: true }, this.#options.onDatagram, (socket) => {
        this.#receiver = socket
      })
      this.#receiveError = undefined
    } catch (error) {
      this.#report(`cannot receive on port ${port}`, error, this.#receiveError)
      this.#receiveError = textOf(error)
    }
  }

  async #open(key: string, networkInterface: NetworkInterface): Promise<boolean> {
    const link = this.#links.get(key) ?? newLink(key, networkInterface)
    this.#links.set(key, link)
    if (link.socket !== undefined && link.joined) return false
    const { address } = networkInterface
    const before = { socket: link.socket, joined: link.joined }
    try {
      if (link.socket === undefined) {
        await this.#bind({ host: address, port: 0, multicast: { interfaceAddress: address } }, ignore, (socket) => {
          link.socket = socket
        })
      }
      if (!link.joined && this.#receiver !== undefined) {
        this.#receiver.joinGroup(this.#options.group, address)
        link.joined = true
      }
      link.error = this.#receiveError
      return link.socket !== before.socket || link.joined !== before.joined
    } catch (error) {
      this.#report(`discovery does not work on ${networkInterface.name}`, error, link.error)
      link.error = textOf(error)
      return false
    }
  }

  async #drop(link: Link): Promise<void> {
    try {
      if (link.joined) this.#receiver?.leaveGroup(this.#options.group, link.networkInterface.address)
    } catch (error) {
      // Usual: with the interface its membership has gone too.
      this.#options.logger.debug({ error, interface: link.networkInterface.name }, 'cannot leave the group')
    }
    await link.socket?.close()
  }

  /** Binds; a socket that comes after `close` was called is closed again at once, any other is kept where `close` finds it. */
  async #bind(
    options: BindOptions,
    onDatagram: DatagramHandler,
    keep: (socket: DatagramSocket) => void,
  ): Promise<void> {
    const socket = await this.#options.protocol.bind(options, onDatagram)
    if (this.#closing) {
      await socket.close()
      throw new Error('discovery is closed')
    }
    keep(socket)
  }

  async #sendBy(link: Link, send: (via: DatagramSocket) => Promise<void>): Promise<void> {
    if (link.socket === undefined) return
    try {
      await send(link.socket)
      link.sent++
      if (link.joined) link.error = undefined
    } catch (error) {
      if (this.#closing) return
      link.sendErrors++
      this.#report(`cannot send by ${link.networkInterface.name}`, error, link.error)
      link.error = textOf(error)
    }
  }

  /** Once per problem, not once per try. */
  #report(message: string, error: unknown, reported: string | undefined): void {
    if (!this.#closing && textOf(error) !== reported) this.#options.logger.warn({ error }, message)
  }
}

function newLink(key: string, networkInterface: NetworkInterface): Link {
  return {
    key,
    networkInterface,
    socket: undefined,
    joined: false,
    sent: 0,
    heard: 0,
    sendErrors: 0,
    error: undefined,
  }
}

function keyOf({ name, address, netmask }: NetworkInterface): string {
  return `${name} ${address} ${netmask}`
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Sending sockets receive nothing of ours: answers go to the peer's own port. */
function ignore(_bytes: Uint8Array, _from: Address): void {}
