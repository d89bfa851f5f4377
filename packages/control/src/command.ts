import type { Value } from '@pc/wire'
import { ControlError } from './errors.js'
import { RESERVED_HEADERS } from './protocol.js'

export interface CommandContext {
  /** Aborts when the client cancels or leaves, and when the server stops. A command that waits must heed it. */
  readonly signal: AbortSignal
}

/**
 * One thing clients may ask for. Many calls of a command run at the same time.
 *
 * What `run` throws as a ControlError reaches the client with code, text and details; anything else is logged and
 * reaches it as INTERNAL without its text. Results and items must be wire values; undefined counts as nil.
 */
export interface Command<A, R> {
  /** 1 to 64 bytes, unique; what the client sends as the header, e.g. `inbox.follow`. */
  readonly name: string
  /** One line for people. */
  readonly summary: string
  /** Checks the arguments before anything runs. @throws ControlError BAD_ARGUMENTS */
  parse(args: Value): A
  /** A promise is answered once; an async iterable is a stream, closed with `return()` when the client cancels. */
  run(args: A, context: CommandContext): Promise<R> | AsyncIterable<R>
}

/** A command in a list, whatever its types: methods compare bivariantly, so every `Command<A, R>` fits. */
export type AnyCommand = Command<unknown, unknown>

/** @throws ControlError BAD_OPTION for a reserved or repeated name */
export function commandTable(commands: readonly AnyCommand[]): ReadonlyMap<string, AnyCommand> {
  const table = new Map<string, AnyCommand>()
  for (const command of commands) {
    const { name } = command
    if (RESERVED_HEADERS.includes(name)) {
      throw new ControlError('BAD_OPTION', `a command may not be called "${name}": the protocol uses that word itself`)
    }
    if (table.has(name)) throw new ControlError('BAD_OPTION', `two commands are called "${name}": rename one`)
    table.set(name, command)
  }
  return table
}
