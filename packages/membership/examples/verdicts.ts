import { createIdentity, signPeerRecord } from '@pc/identity'
import { type Input, MembershipState } from '@pc/membership'

const identity = createIdentity()
const peer = identity.id
const record = signPeerRecord(identity, { sequence: 1, name: 'anna', addresses: [], capabilities: [] })

// The rules alone: inputs and the time go in, effects come out. `Membership` performs them over real connections.
const state = new MembershipState({ random: Math.random })
const inputs: [now: number, input: Input][] = [
  [0, { type: 'connected', peer, link: 1, record }],
  [9_000, { type: 'disconnected', peer, link: 1, lastHeardAt: 2_000, reason: 'silent', detail: 'no answer to a ping' }],
  [9_100, { type: 'wake', peer }],
  [11_100, { type: 'check-failed', peer, check: 1, detail: 'no connection within 2000 ms' }],
]
for (const [now, input] of inputs) {
  const effects = state.handle(input, now).map((effect) => (effect.type === 'emit' ? effect.event.type : effect.type))
  console.log(`${now} ms: ${input.type} → ${effects.join(', ')}; anna is ${state.get(peer)?.state}`)
}
