/**
 * Promise 1, identity: an acceptor with the wrong key learns nothing of the dialler, and a dialler with a wrong key gets nothing from
 * the acceptor. A relay in front of each acceptor counts bytes; a right peer beside the impostor shows what would have been sent.
 */

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { createCertificate, type PeerId } from '@pc/identity'
import { afterEach, describe, expect, it } from 'vitest'
import { type Address, connectToPeer, type SecureStream, systemProtocol } from '../src/index.js'
import { countingRelay, type RelayedConnection } from './_util/counting-relay.js'
import { badCredentials, looseContext, testIdentity } from './_util/credentials.js'

const DIALLER = testIdentity(1)
const ANNA = testIdentity(2)
const IMPOSTOR = testIdentity(3)
const CERTIFICATE_BYTES = new X509Certificate(createCertificate(DIALLER).cert).raw.length

const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A peer behind a relay. */
async function peerAt(identity: typeof ANNA, pieces?: number) {
  const protocol = systemProtocol(identity)
  const accepted: SecureStream[] = []
  const listener = await protocol.listen({ host: '127.0.0.1', port: 0 }, (stream) => {
    accepted.push(stream)
    stream.duplex.resume()
  })
  const relay = await countingRelay(listener.address, pieces)
  cleanups.push(
    () => listener.close(),
    () => {
      for (const { duplex } of accepted) duplex.destroy()
      relay.close()
    },
  )
  return { protocol, accepted, relay, address: relay.address }
}

/** Dials, and once the other side is gone again tells what passed. */
async function dial(address: Address, expectId: PeerId | undefined, connections: RelayedConnection[]) {
  const outcome = await systemProtocol(DIALLER)
    .connect(address, expectId === undefined ? {} : { expect: expectId })
    .then(
      (stream) => {
        stream.duplex.resume().end()
        return 'connected'
      },
      (error: { code: string }) => error.code,
    )
  const connection = connections.at(-1)
  await connection?.closed
  return { outcome, connection }
}

describe('an impostor as acceptor', () => {
  // What a record, a cached peer or an announcement gives: an id and addresses; and what a name gives: the id that is pinned under it.
  const pinned = new Map([['anna', ANNA.id]])
  const situations = [
    { name: 'a known id, another key', wanted: () => ANNA.id },
    { name: 'a known name, another key', wanted: () => pinned.get('anna') },
  ]
  for (const { name, wanted } of situations) {
    for (const pieces of [undefined, 1, 97]) {
      it(`gets no byte after its own handshake: ${name}, ${pieces ? `in pieces of ${pieces}` : 'in one piece'}`, async () => {
        const impostor = await peerAt(IMPOSTOR, pieces)
        const right = await peerAt(ANNA, pieces)

        const wrong = await dial(impostor.address, wanted(), impostor.relay.connections)
        const control = await dial(right.address, wanted(), right.relay.connections)

        console.log(
          `impostor, ${name}, ${pieces ? `pieces of ${pieces}` : 'one piece'}: ${wrong.connection?.fromDiallerAfterAnswer} bytes after its ` +
            `handshake of ${wrong.connection?.fromAcceptor} bytes; right peer: ${control.connection?.fromDiallerAfterAnswer}`,
        )
        expect(wrong.outcome).toBe('WRONG_PEER')
        expect(wrong.connection?.fromAcceptor).toBeGreaterThan(CERTIFICATE_BYTES)
        expect(wrong.connection?.fromDiallerAfterAnswer).toBe(0)
        expect(impostor.accepted).toEqual([])
        expect(impostor.protocol.counters.accepted).toBe(0)
        expect(control.outcome).toBe('connected')
        expect(control.connection?.fromDiallerAfterAnswer).toBeGreaterThan(CERTIFICATE_BYTES)
      })
    }
  }

  it('does not keep connectToPeer from finding the right one at another address', async () => {
    const impostor = await peerAt(IMPOSTOR)
    const right = await peerAt(ANNA)
    const stream = await connectToPeer(systemProtocol(DIALLER), [impostor.address, right.address], { expect: ANNA.id })
    expect(stream.remoteId.equals(ANNA.id)).toBe(true)
    expect(stream.remoteAddress).toEqual(right.address)
    stream.duplex.destroy()
    await impostor.relay.connections[0]?.closed
    expect(impostor.relay.connections[0]?.fromDiallerAfterAnswer).toBe(0)
  })

  it('gets no byte after its handshake when it shows our own key', async () => {
    const own = await peerAt(DIALLER)
    const { outcome, connection } = await dial(own.address, undefined, own.relay.connections)
    expect(outcome).toBe('SELF_DIALLED')
    expect(connection?.fromDiallerAfterAnswer).toBe(0)
  })
})

describe('a wrong dialler', () => {
  /** Connects without any check of its own, and counts what the acceptor sends after its handshake. */
  async function intrude(acceptor: Address, credentials: Parameters<typeof looseContext>[0], alpn = true) {
    const relay = await countingRelay(acceptor)
    cleanups.push(() => relay.close())
    const socket = connectTls({
      ...relay.address,
      secureContext: looseContext(credentials),
      rejectUnauthorized: false,
      ...(alpn ? { ALPNProtocols: ['pc/1'] } : {}),
    })
    const received: Buffer[] = []
    let tickets = 0
    socket.on('data', (chunk) => received.push(chunk))
    socket.on('session', () => {
      tickets += 1
    })
    socket.on('error', () => {})
    socket.once('secureConnect', () => socket.write('a frame that must not be read'))
    const flight = new Promise<number>((resolve) => {
      socket.once('secureConnect', () => resolve(relay.connections[0]?.fromAcceptor ?? 0))
    })
    await once(socket, 'close')
    return {
      received: Buffer.concat(received).length,
      tickets,
      afterHandshake: (relay.connections[0]?.fromAcceptor ?? 0) - (await flight),
    }
  }

  for (const { name, credentials } of badCredentials()) {
    it(`gets no application byte and no ticket: ${name}`, async () => {
      const anna = await peerAt(ANNA)
      const result = await intrude(anna.relay.address, credentials)
      expect(result).toEqual({ received: 0, tickets: 0, afterHandshake: 0 })
      expect(anna.accepted).toEqual([])
      expect(anna.protocol.counters).toMatchObject({ accepted: 0, handshakesFailed: 1 })
    })
  }

  it('gets neither with a good certificate but without ALPN', async () => {
    const anna = await peerAt(ANNA)
    const result = await intrude(anna.relay.address, createCertificate(DIALLER), false)
    expect(result).toEqual({ received: 0, tickets: 0, afterHandshake: 0 })
    expect(anna.accepted).toEqual([])
  })

  it('cannot use our own key against us', async () => {
    const anna = await peerAt(ANNA)
    const result = await intrude(anna.relay.address, createCertificate(ANNA))
    expect(result).toEqual({ received: 0, tickets: 0, afterHandshake: 0 })
    expect(anna.accepted).toEqual([])
  })

  it('is let in when nothing is wrong (so the tests above can fail)', async () => {
    const anna = await peerAt(ANNA)
    const relay = await countingRelay(anna.relay.address)
    cleanups.push(() => relay.close())
    const socket = connectTls({
      ...relay.address,
      secureContext: looseContext(createCertificate(DIALLER)),
      rejectUnauthorized: false,
      ALPNProtocols: ['pc/1'],
    })
    await once(socket, 'session')
    socket.destroy()
    expect(anna.accepted.map(({ remoteId }) => remoteId.toString())).toEqual([DIALLER.id.toString()])
  })
})
