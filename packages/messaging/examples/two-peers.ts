import { createIdentity, openNetwork, signPeerRecord } from '@pc/identity'
import { Messaging } from '@pc/messaging'
import { Connector, MemoryNetwork, PeerBook, systemRandom } from '@pc/transport'

const [memory, network] = [new MemoryNetwork(), openNetwork('demo')]
async function start(name: string, host: string) {
  const [identity, address, peerBook] = [createIdentity(), { host, port: 3485 }, new PeerBook()]
  const record = signPeerRecord(identity, { sequence: 1, name, addresses: [address], capabilities: [] })
  const [protocol, bootId] = [memory.protocol(identity.id, host), systemRandom.bytes(8)]
  const connector = Connector.create({ identity, protocol, bootId, peerBook, network, record: () => record })
  const { close } = await protocol.listen(address, (stream) => connector.accept(stream))
  return { record, peerBook, connector, close, messaging: Messaging.create({ connector }) }
}
const [anna, ben] = [await start('anna', '10.0.0.1'), await start('ben', '10.0.0.2')]
anna.peerBook.upsert(ben.record)
ben.messaging.handle<number[], number>('sum', { access: 'anyone' }, (list) => list.reduce((a, b) => a + b, 0))
console.log('2 + 3 =', await anna.messaging.request(ben.record.id, 'sum', [2, 3]))
await (await anna.messaging.sendText(ben.record.id, 'hello')).acknowledged
console.log((await ben.messaging.inbox.list()).map(({ from, payload }) => `${from.short}: ${payload}`))
for (const part of [anna.messaging, ben.messaging, anna.connector, ben.connector, anna, ben]) await part.close()
