/** `down`: ends the daemon, politely. */
import { type AnyCommand, type Command, noArguments } from '@pc/control'
import type { Value } from '@pc/wire'
import type { CommandDependencies } from './dependencies.js'

export function lifecycleCommands({ stop }: CommandDependencies): readonly AnyCommand[] {
  const down: Command<undefined, Value> = {
    name: 'down',
    summary: 'Says goodbye to everybody and ends the daemon.',
    parse: noArguments,
    run: () => {
      // After the answer is on its way: whoever asked wants to hear it.
      setImmediate(() => stop.abort())
      return Promise.resolve({})
    },
  }
  return [down]
}
