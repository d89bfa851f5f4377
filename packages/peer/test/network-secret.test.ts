/** Whole peers of a network with a secret, over TLS, UDP and multicast on loopback. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { inspect } from 'node:util'
import { createIdentity } from '@pc/identity'
import { createTestLogger } from '@pc/testkit'
import { parseInterfaceRules } from '@pc/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { createPeer, type Peer, type PeerEvent, type PeerOptions } from '../src/index.js'

const interfaces = parseInterfaceRules(process.env.PC_INTERFACES ?? '')
const network = `secret-test-${process.pid}-${randomInt(1e9)}`
const networkSecret = `correct horse ${randomInt(1e9)}`
const discovery = { port: 20_000 + randomInt(20_000) }
const open: Peer[] = []

async function start(name: string, more: Partial<PeerOptions> = {}): Promise<Peer> {
  return startOpen(name, { networkSecret, ...more })
}

/** Without the secret. */
async function startOpen(name: string, more: Partial<PeerOptions> = {}): Promise<Peer> {
  const common = { interfaces, network, discovery, ports: [0] }
  const peer = await createPeer({ name, ...common, identity: createIdentity(), ...more })
  open.push(peer)
  return peer
}

async function up(peer: Peer, name: string): Promise<PeerEvent> {
  for await (const event of peer.events()) if (event.type === 'up' && event.peer.name === name) return event
  throw new Error('the events ended before')
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((peer) => peer.close()))
})

describe('a network with a secret', () => {
  it('is found and used by its members as any other', async () => {
    const one = await start('one')
    const found = up(one, 'two')
    const two = await start('two', { networkSecret: new TextEncoder().encode(networkSecret) })
    await Promise.all([found, up(two, 'one')])
    one.handle('double', { access: 'anyone' }, (input) => Number(input) * 2)
    expect(await two.request('one', 'double', 21)).toBe(42)
    await (await one.sendText('two', 'hello')).acknowledged
    expect((await two.inbox.list()).map(({ payload }) => payload)).toEqual(['hello'])
  })

  it('is not seen by peers of another secret or of the open network of that name, nor sees them', async () => {
    const one = await start('one')
    const wrong = await start('wrong', { networkSecret: `${networkSecret}.` })
    const openOne = await startOpen('open')
    const found = up(one, 'two')
    await start('two')
    await found
    expect(one.peers().map(({ name }) => name)).toEqual(['two'])
    expect([wrong.peers(), openOne.peers()]).toEqual([[], []])
  })

  it('gives whoever dials without the secret 32 random bytes, and the end', async () => {
    const one = await start('one')
    const [address] = one.addresses()
    const seen = new Set<string>()
    for (const said of [new Uint8Array(64), Buffer.from('GET / HTTP/1.1\r\n\r\n'.padEnd(80, 'x'))]) {
      const socket = connectTcp(address ?? expect.fail())
      const received: Buffer[] = []
      socket.on('error', () => {})
      socket.on('data', (chunk) => received.push(chunk))
      await once(socket, 'data')
      socket.write(said)
      await once(socket, 'close')
      expect(Buffer.concat(received)).toHaveLength(32)
      seen.add(Buffer.concat(received).toString('hex'))
    }
    expect(seen.size).toBe(2)
  })

  it('shows its secret in no log, status or printed peer', async () => {
    const logger = createTestLogger()
    const one = await start('one', { logger })
    const found = up(one, 'two')
    const two = await start('two', { logger })
    await found
    await two.close()
    const shown = [logger.lines, one.status(), one.peers(), one, JSON.stringify(one.status())]
    for (const what of shown) expect(inspect(what, { depth: 9, maxArrayLength: 9_999 })).not.toContain(networkSecret)
  })

  it('refuses a secret that is too short or too long, without a word of it', async () => {
    for (const secret of ['hunter2', 'x'.repeat(1_025), new Uint8Array(7), 12_345_678 as never]) {
      const refused = await start('x', { networkSecret: secret }).catch((error: Error) => error)
      expect(refused).toMatchObject({ code: 'BAD_OPTIONS', message: expect.stringContaining('"networkSecret"') })
      expect(inspect(refused)).not.toMatch(/hunter2|xxxx|12345678/)
    }
  })
})
