import { createIdentity } from '@pc/identity'
import { createPeer } from '@pc/peer'

// Two peers in one process, on loopback; on two machines each would leave `interfaces` away and keep its key in a file.
const options = { interfaces: { allow: ['lo', 'lo0', 'Loopback*'] }, network: `example-${process.pid}` }
const desk = await createPeer({ ...options, name: 'desk', identity: createIdentity() })
const anna = await createPeer({ ...options, name: 'anna', identity: createIdentity() })

desk.handle('orders/new', { access: 'anyone' }, (order, { peer }) => `${peer.short} ordered ${JSON.stringify(order)}`)
for await (const event of anna.events()) {
  if (event.type === 'up' && event.peer.name === 'desk') break
}
console.log(await anna.request('desk', 'orders/new', { item: 'pears', kilos: 3 }))

const receipt = await anna.sendText('desk', 'thank you')
await receipt.acknowledged
console.log((await desk.inbox.list()).map((message) => message.payload))
await anna.close()
await desk.close()
