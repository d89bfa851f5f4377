/** Everything that is fuzzed, in the order of the layers. */
import type { Target } from '../target.js'
import { connectorTargets } from './connector.js'
import { controlTargets } from './control.js'
import { discoveryTargets } from './discovery.js'
import { dispatchTargets } from './dispatch.js'
import { gossipTargets } from './gossip.js'
import { identityTargets } from './identity.js'
import { kademliaTargets } from './kademlia.js'
import { membershipTargets } from './membership.js'
import { messagingTargets } from './messaging.js'
import { peerTargets } from './peer.js'
import { storeTargets } from './store.js'
import { transportTargets } from './transport.js'
import { wireTargets } from './wire.js'

export const TARGETS: readonly Target[] = [
  ...wireTargets,
  ...identityTargets,
  ...storeTargets,
  ...transportTargets,
  ...connectorTargets,
  ...dispatchTargets,
  ...discoveryTargets,
  ...kademliaTargets,
  ...gossipTargets,
  ...membershipTargets,
  ...messagingTargets,
  ...controlTargets,
  ...peerTargets,
]

/** @throws RangeError for a name that no target has */
export function targetNamed(name: string): Target {
  const target = TARGETS.find((one) => one.name === name)
  if (target === undefined)
    throw new RangeError(`no target is called ${name}; there are ${TARGETS.map((one) => one.name).join(', ')}`)
  return target
}
