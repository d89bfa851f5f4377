import { createIdentity, signPeerRecord } from '@pc/identity'
import { type Input, MembershipState } from '@pc/membership'

const identity = createIdentity()
const peer = identity.id
const addresses = [{ host: '192.168.1.7', port: 3485 }]
const record = signPeerRecord(identity, { sequence: 1, name: 'anna', addresses, capabilities: [] })

// The rules alone: inputs and the time go in, effects come out. `Membership` performs them over real connections.
const state = new MembershipState({ random: Math.random })
const feed = (now: number, input: Input) => {
  for (const effect of state.handle(input, now))
    console.log(`${now} ms`, effect.type === 'emit' ? effect.event.type : effect.type)
}
feed(0, { type: 'connected', peer, link: 1, record })
feed(9_000, {
  type: 'disconnected',
  peer,
  link: 1,
  lastHeardAt: 2_000,
  reason: 'silent',
  detail: 'no answer to a ping',
})
feed(9_100, { type: 'wake', peer })
feed(11_100, { type: 'check-failed', peer, check: 1, detail: 'no connection within 2000 ms' })
console.log('anna is', state.get(peer)?.state)
