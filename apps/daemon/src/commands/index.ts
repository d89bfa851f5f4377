/** Every command of the local protocol, by name. What they do is the peer's business; here arguments become calls and results become views. */
import type { AnyCommand } from '@pc/control'
import type { CommandDependencies } from './dependencies.js'
import { dhtCommands } from './dht.js'
import { directoryCommands } from './directory.js'
import { gossipCommands } from './gossip.js'
import { lifecycleCommands } from './lifecycle.js'
import { messagingCommands } from './messaging.js'
import { peersCommands } from './peers.js'
import { statusCommands } from './status.js'

export function createCommands(dependencies: CommandDependencies): readonly AnyCommand[] {
  return [
    ...statusCommands(dependencies),
    ...peersCommands(dependencies),
    ...messagingCommands(dependencies),
    ...dhtCommands(dependencies),
    ...directoryCommands(dependencies),
    ...gossipCommands(dependencies),
    ...lifecycleCommands(dependencies),
  ]
}
