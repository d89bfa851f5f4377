/** The sockets that an endpoint may send by, and which of them leads to an address. They stay their owners'. */
import { type Address, type DatagramSocket, inSubnet, type NetworkInterface } from '@pc/transport'
import { DispatchError } from './errors.js'

export class AttachedSockets {
  readonly #interfaces: () => readonly NetworkInterface[]
  readonly #sockets = new Set<DatagramSocket>()
  /** Those that were taken away, by which nothing leaves any more. */
  readonly #detached = new WeakSet<DatagramSocket>()

  /** @param interfaces to choose between sockets of one family; without it the first of them is taken */
  constructor(interfaces: () => readonly NetworkInterface[] = () => []) {
    this.#interfaces = interfaces
  }

  /** The returned function takes it away again. */
  attach(socket: DatagramSocket): () => void {
    this.#sockets.add(socket)
    this.#detached.delete(socket)
    return () => {
      this.#sockets.delete(socket)
      this.#detached.add(socket)
    }
  }

  clear(): void {
    this.#sockets.clear()
  }

  /** @throws DispatchError NO_SOCKET */
  requireFor(to: Address): DatagramSocket {
    const found = this.find(to)
    if (found !== undefined) return found
    throw new DispatchError('NO_SOCKET', `no attached socket can reach ${to.host}: attach one of its address family`)
  }

  /** The socket of that scope, or the one whose interface leads there, or the first of its family. */
  find(to: Address): DatagramSocket | undefined {
    const v6 = to.host.includes(':')
    const scope = scopeOf(to.host)
    let first: DatagramSocket | undefined
    for (const socket of this.#sockets) {
      const { host } = socket.address
      if (host.includes(':') !== v6) continue
      if (scope !== '' ? scopeOf(host) === scope : this.#leadsTo(host, to.host)) return socket
      first ??= socket
    }
    return first
  }

  /** `via`, unless it was taken away: then whatever leads to that address now. */
  standIn(via: DatagramSocket, to: Address): DatagramSocket | undefined {
    return this.#detached.has(via) ? this.find(to) : via
  }

  #leadsTo(socketHost: string, host: string): boolean {
    if (this.#sockets.size === 1 || socketHost === host) return true
    return this.#interfaces().some((one) => one.address === socketHost && inSubnet(host, one))
  }
}

function scopeOf(host: string): string {
  const at = host.indexOf('%')
  return at < 0 ? '' : host.slice(at)
}
