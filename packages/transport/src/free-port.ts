import type { NetworkProtocol } from './network-protocol.js'
import { silentLogger, systemClock } from './ports.js'
import { listenOnSharedPort } from './shared-port.js'
import { TcpServer } from './tcp-server.js'
import { bindUdp } from './udp-socket.js'

/**
 * A port that is free for TCP and UDP on `host` at this moment, and was given back already. **Somebody else may have it before you do**: whoever
 * wants to keep a port takes it at once, with port 0 in `listen` or `bind`, or with `listenOnSharedPort` for both. This is for those who
 * have to tell a number to another program, and who try again when that one finds it taken. Never 3486, which belongs to discovery.
 * @throws TransportError ADDRESS_INVALID, ADDRESS_NOT_AVAILABLE, NO_FREE_PORT; the signal's reason
 */
export async function freePort(host = '127.0.0.1', { signal }: { signal?: AbortSignal } = {}): Promise<number> {
  const handlers = { admit: () => false, onStream: () => {}, onDatagram: () => {} }
  const options = signal === undefined ? {} : { signal }
  const shared = await listenOnSharedPort(SOCKETS, [host], handlers, { ports: [0], ...options })
  await shared.close()
  return shared.port
}

/** Sockets of nobody, which let nobody in. */
const SOCKETS: Pick<NetworkProtocol, 'listen' | 'bind'> = {
  listen: async (address, _onStream, listenOptions) => {
    const counters = { refusedByGate: 0, outOfDescriptors: 0 }
    const onConnection = (): void => {}
    const server = new TcpServer(
      address,
      { clock: systemClock, logger: silentLogger, counters, onConnection },
      listenOptions,
    )
    await server.start()
    return server
  },
  bind: (bindOptions, onDatagram) => bindUdp(bindOptions, onDatagram, silentLogger),
}
