/** Every command of the local protocol, by name. What they do is the peer's business; here arguments become calls and results become views. */
import type { AnyCommand } from '@pc/control'
import type { Peer } from '@pc/peer'
import { lifecycleCommands } from './lifecycle.js'
import { messagingCommands } from './messaging.js'
import { peersCommands } from './peers.js'
import { statusCommands } from './status.js'

export interface CommandDependencies {
  /** Resolves when the peer has started; commands that come earlier wait for it. */
  readonly peer: Promise<Peer>
  readonly stop: AbortController
  /** Unix milliseconds. */
  readonly startedAt: number
}

export function createCommands(dependencies: CommandDependencies): readonly AnyCommand[] {
  return [
    ...statusCommands(dependencies),
    ...peersCommands(dependencies),
    ...messagingCommands(dependencies),
    ...lifecycleCommands(dependencies),
  ]
}
