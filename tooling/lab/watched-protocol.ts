/** Counts what a peer has open on its simulated host, from outside: streams by the key at their other end, and sockets. */
import type { NetworkProtocol, SecureStream } from '@pc/transport'

export class OpenCount {
  readonly #streams = new Map<string, number>()
  #sockets = 0

  get sockets(): number {
    return this.#sockets
  }

  get streams(): number {
    let all = 0
    for (const count of this.#streams.values()) all += count
    return all
  }

  /** Streams whose other end proved that id. */
  with(id: string): number {
    return this.#streams.get(id) ?? 0
  }

  stream({ duplex, remoteId }: SecureStream): void {
    const key = remoteId.toString()
    this.#streams.set(key, this.with(key) + 1)
    duplex.once('close', () => this.#streams.set(key, this.with(key) - 1))
  }

  socket<S extends { close(): Promise<void> }>(socket: S): S {
    this.#sockets += 1
    let open = true
    const release = socket.close.bind(socket)
    const close = async (): Promise<void> => {
      if (open) this.#sockets -= 1
      open = false
      await release()
    }
    return Object.assign(socket, { close })
  }
}

/** The same protocol, counted. */
export function watched(host: NetworkProtocol, open: OpenCount): NetworkProtocol {
  return {
    name: host.name,
    ...(host.interfaces === undefined ? {} : { interfaces: () => host.interfaces?.() ?? {} }),
    connect: async (address, options) => {
      const stream = await host.connect(address, options)
      open.stream(stream)
      return stream
    },
    listen: async (address, onStream, options) => {
      const take = (stream: SecureStream): void => {
        open.stream(stream)
        onStream(stream)
      }
      return open.socket(await host.listen(address, take, options))
    },
    bind: async (options, onDatagram) => open.socket(await host.bind(options, onDatagram)),
  }
}
