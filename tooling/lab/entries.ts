/** Everything `npm run lab` knows by name. */

import { planted } from './planted.js'
import { determinism } from './programs/determinism.js'
import { speed } from './programs/speed.js'
import type { Entry } from './scenario.js'
import { apart } from './scenarios/apart.js'
import { connections } from './scenarios/connections.js'
import { endpointFlood } from './scenarios/endpoint-flood.js'
import { endpointRestart } from './scenarios/endpoint-restart.js'
import { endpointSoak } from './scenarios/endpoint-soak.js'
import { gossip } from './scenarios/gossip.js'
import { gossipClocks } from './scenarios/gossip-clocks.js'
import { gossipFlood } from './scenarios/gossip-flood.js'
import { gossipPartition } from './scenarios/gossip-partition.js'
import { handlers } from './scenarios/handlers.js'
import { hello } from './scenarios/hello.js'
import { kadAttack } from './scenarios/kad-attack.js'
import { kadChurn } from './scenarios/kad-churn.js'
import { kadCrash } from './scenarios/kad-crash.js'
import { kadDirectory } from './scenarios/kad-directory.js'
import { kadHealthy } from './scenarios/kad-healthy.js'
import { kadLoss } from './scenarios/kad-loss.js'
import { meet } from './scenarios/meet.js'
import { membership } from './scenarios/membership.js'
import { membershipFalse } from './scenarios/membership-false.js'
import { membershipLeave } from './scenarios/membership-leave.js'
import { membershipStall } from './scenarios/membership-stall.js'
import { membershipUdpBlocked } from './scenarios/membership-udp-blocked.js'
import { names } from './scenarios/names.js'
import { pairsScenario } from './scenarios/pairs.js'
import { presence } from './scenarios/presence.js'
import { requests } from './scenarios/requests.js'
import { search } from './scenarios/search.js'
import { store } from './scenarios/store.js'
import { strangers } from './scenarios/strangers.js'
import { swarm } from './scenarios/swarm.js'

export const ENTRIES: readonly Entry[] = [
  hello,
  meet,
  pairsScenario,
  requests,
  presence,
  swarm,
  apart,
  handlers,
  names,
  strangers,
  store,
  endpointFlood,
  endpointRestart,
  endpointSoak,
  connections,
  kadHealthy,
  kadLoss,
  kadCrash,
  kadChurn,
  kadAttack,
  kadDirectory,
  membership,
  membershipFalse,
  membershipStall,
  membershipLeave,
  membershipUdpBlocked,
  gossip,
  gossipPartition,
  gossipClocks,
  gossipFlood,
  search,
  determinism,
  speed,
  planted,
]
