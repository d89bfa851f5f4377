import { createIdentity, signPeerRecord } from '@pc/identity'
import { firstIncarnation, type Input, MembershipState } from '@pc/membership'

const [self, anna] = [createIdentity(), createIdentity()]
const peer = anna.id
const record = signPeerRecord(anna, { sequence: 1, name: 'anna', addresses: [], capabilities: [] })

// The rules alone: inputs and the time go in, effects come out. `Membership` performs them over real connections.
const incarnation = firstIncarnation(1_700_000_000_000)
const state = new MembershipState({ identity: self, incarnation, random: Math.random })
const inputs: [now: number, input: Input][] = [
  [0, { type: 'connected', peer, link: 1, record }],
  [200, { type: 'disconnected', peer, link: 1, lastHeardAt: 100, reason: 'silent', detail: 'no answer to a ping' }],
  [400, { type: 'wake' }],
  [420, { type: 'heard', peer, at: 420, by: 'datagram' }],
]
for (const [now, input] of inputs) {
  const effects = state.handle(input, now).map((effect) => (effect.type === 'emit' ? effect.event.type : effect.type))
  console.log(`${now} ms: ${input.type} → ${effects.join(', ')}; anna is ${state.get(peer)?.state}`)
}
