import { once } from 'node:events'
import { createIdentity, openNetwork, signPeerRecord } from '@pc/identity'
import type { Message } from '@pc/wire'
import { afterEach, expect, test } from 'vitest'
import { Acceptor } from '../src/acceptor.js'
import { Connector } from '../src/connector.js'
import { PeerBook } from '../src/peer-book.js'
import { systemRandom } from '../src/ports.js'
import { systemProtocol } from '../src/system-protocol.js'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function realPeer(name: string) {
  const identity = createIdentity()
  const protocol = systemProtocol(identity)
  const peerBook = new PeerBook()
  const connector = Connector.create({
    identity,
    protocol,
    network: openNetwork('test'),
    bootId: systemRandom.bytes(8),
    record: () => signPeerRecord(identity, { sequence: 1, name, addresses: [listener.address], capabilities: [] }),
    peerBook,
  })
  const acceptor = new Acceptor({ connector, limits: { perAddress: 600 } })
  const listener = await protocol.listen({ host: '127.0.0.1', port: 0 }, acceptor.accept, { admit: acceptor.admit })
  closers.push(async () => {
    await listener.close()
    await connector.close()
  })
  return { identity, connector, acceptor, peerBook, address: listener.address }
}

test('over TLS: both dial at once, talk, and end with one connection, in order', async () => {
  for (let round = 0; round < 20; round += 1) {
    const [a, b] = [await realPeer('a'), await realPeer('b')]
    a.peerBook.noteHint(b.identity.id, b.address)
    b.peerBook.noteHint(a.identity.id, a.address)
    const received: [number[], number[]] = [[], []]
    const complete = ([a, b] as const).map(
      (peer, index) =>
        new Promise<void>((resolve) => {
          peer.connector.events.on('frame', (_, message: Message) => {
            received[index as 0 | 1].push(message.body as number)
            if (message.body === 499) resolve()
          })
        }),
    )
    const talk = async (from: typeof a, to: typeof b): Promise<void> => {
      for (let number = 0; number < 500; number += 1) {
        const connection = await from.connector.control(to.identity.id)
        await connection.send('test/data', connection.nextId(), number)
        if (number % 10 === 0) await new Promise(setImmediate)
      }
    }
    await Promise.all([talk(a, b), talk(b, a), ...complete])
    const numbers = Array.from({ length: 500 }, (_, index) => index)
    expect(received).toEqual([numbers, numbers])
    expect([a.connector.size, b.connector.size]).toEqual([1, 1])
    await a.connector.close()
  }
})

test('over TLS: meet, ping, bulk with large frames, goodbye', async () => {
  const [a, b] = [await realPeer('a'), await realPeer('b')]
  const met = await a.connector.meet([b.address])
  expect(met.peer.equals(b.identity.id)).toBe(true)
  expect(await met.ping()).toBeGreaterThan(0)
  const bulkThere = once(b.connector.events, 'bulk')
  const bulk = await a.connector.openBulk(b.identity.id)
  bulk.onMessage(() => {})
  const [there] = await bulkThere
  let bytes = 0
  const all = new Promise<void>((resolve) => {
    there.onMessage((message: Message) => {
      bytes += (message.body as Uint8Array).length
      if (bytes === 40 * 500_000) resolve()
    })
  })
  for (let id = 0; id < 40; id += 1) await bulk.send({ header: 'test/bulk', id, body: new Uint8Array(500_000) })
  await all
  const gone = once(a.connector.events, 'disconnected')
  await b.connector.close()
  const [, reason] = await gone
  expect(reason).toEqual({ code: 'LEAVING', polite: true })
  expect(await bulk.closed).toEqual({ code: 'LEAVING', polite: true })
})
