import { createIdentity, signPeerRecord } from '@pc/identity'
import { contactOf, Kademlia, type Rpc, signRecord } from '@pc/kademlia'

const [anna, bert] = [createIdentity(), createIdentity()]
const annaAt = { host: '10.0.0.1', port: 4000 }
const bertAt = { host: '10.0.0.2', port: 4000 }
const recordOf = (name: string, of: typeof anna) =>
  signPeerRecord(of, { sequence: 1, name, addresses: [], capabilities: [] })

// How requests reach others is up to you: here both are in one process, and whoever is asked is called.
const toAnna: Rpc = async (_to, request) => annaNode.handle(request, { id: bert.id, address: bertAt })
const toBert: Rpc = async (_to, request) => bertNode.handle(request, { id: anna.id, address: annaAt })
const annaNode = Kademlia.create({ identity: anna, record: () => recordOf('anna', anna), rpc: toBert })
const bertNode = Kademlia.create({ identity: bert, record: () => recordOf('bert', bert), rpc: toAnna })
await bertNode.join([contactOf(anna.id.bytes, annaAt)])
const note = signRecord(bert, { salt: Buffer.from('status'), sequence: 1, value: Buffer.from('at lunch') })
await bertNode.put(note)
console.log(Buffer.from((await annaNode.get(note.key)).value).toString())
await Promise.all([annaNode.close(), bertNode.close()])
