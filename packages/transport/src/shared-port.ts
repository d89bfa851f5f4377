import type { Address } from './address.js'
import { errorCode, TransportError } from './errors.js'
import type {
  DatagramSocket,
  ListenOptions,
  NetworkProtocol,
  StreamHandler,
  StreamListener,
} from './network-protocol.js'

/** UDP announcements of all peers of a machine meet here, shared; never taken for anything else. */
export const DISCOVERY_PORT = 3486
/** Where a peer's own TCP and UDP port is looked for, in this order; 0 is any free one. */
export const PEER_PORTS: readonly number[] = [3485, 3487, 3488, 3489, 3490, 3491, 0]
/** The machine chooses port 0 for the first socket, and somebody may have the same number elsewhere; then it chooses again. */
const TRIES_FOR_ANY_PORT = 16
/** With these somebody else has the port, or we may not have it; anything else would go wrong on every port. */
const PORT_TAKEN: ReadonlySet<string> = new Set(['ADDRESS_IN_USE', 'PERMISSION_DENIED'])

export interface SharedPortHandlers {
  onStream: StreamHandler
  /** As `ListenOptions.admit`. @default everybody */
  admit?: ListenOptions['admit']
  /** `via` is the socket it came in by, from which an answer has the source address that the sender expects. */
  onDatagram: (bytes: Uint8Array, from: Address, via: DatagramSocket) => void
}

export interface SharedPortOptions {
  /** @default PEER_PORTS */
  ports?: readonly number[]
  /**
   * Those of the hosts that are left out when this machine cannot listen there now; at least one host must be left. An IPv6 address is
   * listed, and cannot be used, while the machine still looks whether somebody else has it.
   */
  optionalHosts?: ReadonlySet<string>
  signal?: AbortSignal
}

/** One number for TCP and UDP on every host that was asked for. */
export interface SharedPort {
  readonly port: number
  /** In the order of the hosts, without those that were left out. */
  readonly sockets: readonly DatagramSocket[]
  readonly listeners: readonly StreamListener[]
  /** Closes all of them; streams that were handed over stay. Idempotent. */
  close(): Promise<void>
}

/**
 * Takes the first port of the list that is free for TCP and UDP on every host, exclusively. Of a port that does not fit everywhere
 * nothing is kept. What arrives before the last socket stands is dropped: nobody has been told the port yet.
 * @throws TransportError NO_FREE_PORT, or what binding a host rejects with when another port would not help
 */
export async function listenOnSharedPort(
  protocol: Pick<NetworkProtocol, 'listen' | 'bind'>,
  hosts: readonly string[],
  handlers: SharedPortHandlers,
  { ports = PEER_PORTS, optionalHosts = new Set(), signal }: SharedPortOptions = {},
): Promise<SharedPort> {
  if (hosts.length === 0 || ports.includes(DISCOVERY_PORT)) {
    throw new TransportError(
      'ADDRESS_INVALID',
      `Expected at least one host and no port ${DISCOVERY_PORT}, which belongs to discovery, but got hosts [${hosts.join(', ')}], ports [${ports.join(', ')}].`,
    )
  }
  let last: unknown
  for (const wanted of ports) {
    for (let tries = wanted === 0 ? TRIES_FOR_ANY_PORT : 1; tries > 0; tries -= 1) {
      const attempt = new Attempt(protocol, handlers, optionalHosts)
      try {
        return await attempt.open(hosts, wanted, signal)
      } catch (error) {
        await attempt.close()
        if (!PORT_TAKEN.has(errorCode(error) ?? '')) throw error
        last = error
      }
    }
  }
  throw new TransportError(
    'NO_FREE_PORT',
    `Expected one of the ports ${ports.map((port) => port || 'any').join(', ')} to be free for TCP and UDP on ${hosts.join(', ')}: end what uses them, or choose others.`,
    { cause: last },
  )
}

class Attempt {
  readonly #protocol: Pick<NetworkProtocol, 'listen' | 'bind'>
  readonly #handlers: SharedPortHandlers
  readonly #optional: ReadonlySet<string>
  readonly #sockets: DatagramSocket[] = []
  readonly #listeners: StreamListener[] = []
  #complete = false
  #closing: Promise<void> | undefined

  constructor(
    protocol: Pick<NetworkProtocol, 'listen' | 'bind'>,
    handlers: SharedPortHandlers,
    optional: ReadonlySet<string>,
  ) {
    this.#protocol = protocol
    this.#handlers = handlers
    this.#optional = optional
  }

  async open(hosts: readonly string[], wanted: number, signal: AbortSignal | undefined): Promise<SharedPort> {
    let port = wanted
    let leftOut: unknown
    for (const host of hosts) {
      try {
        port = await this.#openAt(host, port, signal)
      } catch (error) {
        if (signal?.aborted || !this.#optional.has(host) || PORT_TAKEN.has(errorCode(error) ?? '')) throw error
        leftOut = error
      }
    }
    if (this.#listeners.length === 0) throw leftOut
    this.#complete = true
    return { port, sockets: this.#sockets, listeners: this.#listeners, close: () => this.close() }
  }

  close(): Promise<void> {
    this.#complete = false
    this.#closing ??= Promise.all([...this.#listeners, ...this.#sockets].map((one) => one.close())).then(() => {})
    return this.#closing
  }

  /** Both or neither. Returns the port. */
  async #openAt(host: string, wanted: number, signal: AbortSignal | undefined): Promise<number> {
    const pass = signal === undefined ? {} : { signal }
    let own: DatagramSocket | undefined
    const socket = await this.#protocol.bind({ host, port: wanted, ...pass }, (bytes, from) => {
      if (this.#complete && own !== undefined) this.#handlers.onDatagram(bytes, from, own)
    })
    own = socket
    try {
      const { port } = socket.address
      if (port === DISCOVERY_PORT) {
        throw new TransportError('ADDRESS_IN_USE', `Port ${DISCOVERY_PORT} belongs to discovery.`, {
          address: { host, port },
        })
      }
      const { admit } = this.#handlers
      const options = { ...pass, ...(admit === undefined ? {} : { admit }) }
      this.#listeners.push(await this.#protocol.listen({ host, port }, (stream) => this.#onStream(stream), options))
      this.#sockets.push(socket)
      return port
    } catch (error) {
      await socket.close()
      throw error
    }
  }

  #onStream(stream: Parameters<StreamHandler>[0]): void {
    if (this.#complete) this.#handlers.onStream(stream)
    else stream.duplex.destroy()
  }
}
