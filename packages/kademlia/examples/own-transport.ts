import { createIdentity, signPeerRecord } from '@pc/identity'
import { contactOf, Kademlia, plainRecord } from '@pc/kademlia'

// A transport is one function: it carries a request to a peer and brings the answer. This one stays in this process.
const peers = new Map<string, Kademlia>()

function createNode(index: number) {
  const identity = createIdentity()
  const address = { host: `10.0.0.${index}`, port: 4000 }
  const record = signPeerRecord(identity, {
    sequence: 1,
    name: `peer ${index}`,
    addresses: [address],
    capabilities: [],
  })
  const kademlia = Kademlia.create({
    identity,
    record: () => record,
    rpc: async (to, request) => {
      const there = peers.get(to.address.host)
      if (there === undefined) throw new Error(`nobody is at ${to.address.host}`)
      return there.handle(request, { id: identity.id, address })
    },
  })
  peers.set(address.host, kademlia)
  return { kademlia, contact: contactOf(identity.id.bytes, address) }
}

const nodes = Array.from({ length: 30 }, (_, index) => createNode(index + 1))
const [first, ...others] = nodes
if (first === undefined) throw new Error('there are 30 peers')
for (const { kademlia } of others) await kademlia.join([first.contact])

const note = plainRecord(new TextEncoder().encode('the printer is upstairs'))
const { holders } = await first.kademlia.put(note)
const found = await others[28]?.kademlia.get(note.key)
console.log(`${holders} peers hold it:`, new TextDecoder().decode(found?.value))

let count = 0
for await (const page of first.kademlia.directory()) count += page.length
console.log(`${count} peers are in the directory`)
for (const { kademlia } of nodes) await kademlia.close()
