import { Gossip, type GossipTransport, type PeersView } from '@pc/gossip'
import { createIdentity, type Identity, type PeerId } from '@pc/identity'

// A transport is three functions; this one stays in this process. A real one proves who sends what.
const peers = new Map<string, Gossip>()
const at = (id: PeerId): Gossip => {
  const peer = peers.get(id.toString())
  if (peer === undefined) throw new Error(`${id.short} is not here`)
  return peer
}
const transportOf = (self: PeerId): GossipTransport => ({
  send: (to, bytes) => queueMicrotask(() => at(to).receive(self, bytes)),
  exchange: async (to, bytes) => at(to).answer(self, bytes),
  fetch: async (from, { hash }) => at(from).body(hash) ?? Promise.reject(new Error('it has no such body')),
})

const identities = [createIdentity(), createIdentity(), createIdentity()]
const viewOf = (self: Identity): PeersView => ({
  live: () => identities.filter((other) => other !== self).map(({ id }) => ({ peer: id })),
  watch: () => () => {}, // nobody comes or goes here
})
for (const [index, identity] of identities.entries()) {
  const answer = () => (index === 2 ? Buffer.from('I have a printer') : undefined)
  const gossip = Gossip.create({ identity, transport: transportOf(identity.id), peers: viewOf(identity), answer })
  peers.set(identity.id.toString(), gossip)
}

const [anna, bert, cleo] = [...peers.values()] as [Gossip, Gossip, Gossip]
const news = [bert.subscribe({ topic: 'news' }), cleo.subscribe()]
anna.publish('news', Buffer.from('lunch is ready'))
for (const each of news) console.log(Buffer.from((await each.next()).value.body).toString())
anna.publish('news', new Uint8Array(100_000)) // fetched by each from one that has it
for (const each of news) console.log((await each.next()).value.body.length, 'bytes')
for await (const { peer, answer } of bert.search(Buffer.from('printer'), { limit: 1 })) {
  console.log(peer.short, 'says:', Buffer.from(answer).toString())
}
await Promise.all([anna.close(), bert.close(), cleo.close()])
