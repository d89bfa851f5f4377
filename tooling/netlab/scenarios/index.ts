/** In the order in which `all` runs them: what the others rest on comes first. */
import type { Scenario } from '../scenario.js'
import { discoveryCapture } from './discovery-capture.js'
import { fiveHosts } from './five-hosts.js'
import { flood } from './flood.js'
import { ground } from './ground.js'
import { groundAdversary } from './ground-adversary.js'
import { ipv6 } from './ipv6.js'
import { loss } from './loss.js'
import { multicastBlocked } from './multicast-blocked.js'
import { partition } from './partition.js'
import { pause } from './pause.js'
import { powerOff } from './power-off.js'
import { twoHosts } from './two-hosts.js'
import { twoInterfaces } from './two-interfaces.js'

export const SCENARIOS: readonly Scenario[] = [
  ground,
  groundAdversary,
  twoHosts,
  ipv6,
  twoInterfaces,
  powerOff,
  pause,
  partition,
  fiveHosts,
  loss,
  multicastBlocked,
  discoveryCapture,
  flood,
]
