import { randomBytes } from 'node:crypto'
import { Discovery, type Hint } from '@pc/discovery'
import { RequestsEndpoint } from '@pc/dispatch'
import { createIdentity, openNetwork } from '@pc/identity'
import { systemClock as clock, MemoryNetwork } from '@pc/transport'

const segment = new MemoryNetwork() // in a program: systemProtocol(identity)
const peers: Discovery[] = []
async function start(address: string): Promise<Hint> {
  const [identity, bootId, port, network] = [createIdentity(), randomBytes(8), 3_485, openNetwork('office')]
  const protocol = segment.protocol(identity.id, address)
  const endpoint = RequestsEndpoint.create({ identity, network, bootId, clock })
  await protocol.bind({ host: address, port }, (bytes, from) => endpoint.receive(bytes, from)) // the peer's own port
  const interfaces = () => [{ name: 'eth0', address, family: 4, netmask: '255.255.255.0', internal: false } as const]
  const options = { protocol, endpoint, network, id: identity.id, bootId, port, interfaces }
  return new Promise((onHint) => void Discovery.create({ ...options, onHint }).then((peer) => peers.push(peer)))
}
const { address, source } = await Promise.race([start('192.0.2.1'), start('192.0.2.2')])
console.log(`somebody is at ${address.host}:${address.port} (${source})`)
await Promise.all(peers.map((peer) => peer.close()))
