/** The end of {@link Agent} that runs on a host: calls come in by the parent's channel, and are answered there. */

/** What a program does for its parent: one argument object in, something that JSON can carry out. */
export type Handlers = Readonly<Record<string, (args: never) => unknown>>

export interface Call {
  readonly call: number
  readonly name: string
  readonly args: unknown
}

export type Answer =
  | { readonly call: number; readonly value: unknown }
  | { readonly call: number; readonly error: string }

/** Answers calls until the parent is gone; then the program ends, so that it outlives nobody. */
export function serve(handlers: Handlers): void {
  process.on('message', (message: Call) => {
    void answer(handlers, message).then((reply) => process.send?.(reply))
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.('ready')
}

async function answer(handlers: Handlers, { call, name, args }: Call): Promise<Answer> {
  const handler = handlers[name]
  if (handler === undefined) return { call, error: `no handler for ${name}` }
  try {
    return { call, value: await handler(args as never) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? `${String(error.code)}: ` : ''
    return { call, error: `${code}${error instanceof Error ? error.message : String(error)}` }
  }
}
