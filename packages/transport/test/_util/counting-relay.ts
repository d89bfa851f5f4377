import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Address } from '../../src/index.js'

/** What one connection through the relay carried. */
export interface RelayedConnection {
  /** Bytes of the dialler, in the order of arrival, with what the acceptor had sent before each. */
  fromDialler: number
  /** Bytes of the dialler that came after the first byte of the acceptor: everything after its hello. */
  fromDiallerAfterAnswer: number
  fromAcceptor: number
  /** Resolves when both sides are closed. */
  closed: Promise<void>
}

/**
 * Carries TCP connections to `target` and counts. With `pieces` the acceptor's bytes go on one by one piece of that many bytes, each
 * in a segment of its own, so that the dialler's TLS sees its flight in fragments.
 */
export async function countingRelay(
  target: Address,
  pieces?: number,
): Promise<{ address: Address; connections: RelayedConnection[]; close(): void }> {
  const connections: RelayedConnection[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (dialler) => {
    const acceptor = connect({ ...target, noDelay: true })
    const ends = [dialler, acceptor].map((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      return new Promise<void>((resolve) => {
        socket.once('close', () => {
          sockets.delete(socket)
          dialler.destroySoon()
          acceptor.destroySoon()
          resolve()
        })
      })
    })
    const counts: RelayedConnection = {
      fromDialler: 0,
      fromDiallerAfterAnswer: 0,
      fromAcceptor: 0,
      closed: Promise.all(ends).then(() => {}),
    }
    connections.push(counts)
    dialler.on('data', (chunk) => {
      counts.fromDialler += chunk.length
      if (counts.fromAcceptor > 0) counts.fromDiallerAfterAnswer += chunk.length
      acceptor.write(chunk)
    })
    const waiting: Buffer[] = []
    const pump = (): void => {
      const piece = waiting.shift()
      if (piece === undefined || dialler.destroyed) return
      dialler.write(piece, () => setImmediate(pump))
    }
    acceptor.on('data', (chunk) => {
      counts.fromAcceptor += chunk.length
      const idle = waiting.length === 0
      const size = pieces ?? chunk.length
      for (let at = 0; at < chunk.length; at += size) waiting.push(chunk.subarray(at, at + size))
      if (idle) pump()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    connections,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
