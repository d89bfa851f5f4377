import { Gossip, type GossipTransport, type PeersView } from '@pc/gossip'
import { createIdentity, type PeerId } from '@pc/identity'

const [anna, bert] = [createIdentity(), createIdentity()]
// How others are reached is up to you: here both are in one process, and whoever is sent to is called.
const to = (other: () => Gossip, self: PeerId): GossipTransport => ({
  send: (_to, bytes) => queueMicrotask(() => other().receive(self, bytes)),
  exchange: async (_to, bytes) => other().answer(self, bytes),
  fetch: async (_from, { hash }) => other().body(hash) ?? Promise.reject(new Error('it has no such body')),
})
const sees = (peer: PeerId): PeersView => ({ live: () => [{ peer }], watch: () => () => {} })
const answer = () => Buffer.from('I have a printer')
const annaNode = Gossip.create({ identity: anna, transport: to(() => bertNode, anna.id), peers: sees(bert.id) })
const bertNode = Gossip.create({ identity: bert, transport: to(() => annaNode, bert.id), peers: sees(anna.id), answer })

const news = bertNode.subscribe({ topic: 'news' })
annaNode.publish('news', Buffer.from('lunch is ready'))
console.log(Buffer.from((await news.next()).value.body).toString())
for await (const hit of annaNode.search(Buffer.from('printer'), { limit: 1 })) console.log(hit.answer.length, 'bytes')
await Promise.all([annaNode.close(), bertNode.close()])
