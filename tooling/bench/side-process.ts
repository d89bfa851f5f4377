/**
 * One side of one contestant, as a process: `side-process.ts <module> <near|far>`. Takes one command at a time from the harness and
 * answers each. Started by contestant.ts, never by hand.
 */
import { argv } from 'node:process'
import type { Far, FarSide, Json, Near, NearContext, NearSide } from './side.js'

export type Command =
  | { readonly type: 'start'; readonly hello: Json; readonly folder: string; readonly connections: number }
  | { readonly type: 'collect' }
  | { readonly type: 'measure'; readonly name: string; readonly ms: number }
  | { readonly type: 'close' }

/** One of the first two for each command; before it any number of the third. */
export type Answer = { readonly done: Json } | { readonly failed: string } | { readonly progress: string }

const [, , moduleUrl = '', role = ''] = argv
let near: NearSide | undefined
let far: FarSide | undefined

process.on('message', (command: Command) => {
  perform(command).then(
    (done) => answer({ done }),
    (error: unknown) => answer({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})
// The harness is gone, however it ended: nobody else would end this process.
process.on('disconnect', () => process.exit(0))
// Ctrl-C goes to the whole group; the harness ends its children itself.
process.on('SIGINT', () => {})

async function perform(command: Command): Promise<Json> {
  switch (command.type) {
    case 'start':
      return start(command)
    case 'collect':
      globalThis.gc?.()
      return globalThis.gc !== undefined
    case 'measure': {
      const measure = near?.measures[command.name]
      if (measure === undefined) throw new Error(`there is no measure "${command.name}" on this side`)
      return measure({ ms: command.ms, progress: (text) => answer({ progress: text }) })
    }
    case 'close':
      await near?.close()
      await far?.close()
      return null
    default:
      return command satisfies never
  }
}

async function start(context: NearContext): Promise<Json> {
  const sides = (await import(moduleUrl)) as { near?: Near; far?: Far }
  if (role === 'far') {
    if (sides.far === undefined) return { far: false }
    far = await sides.far(context)
    return { far: true, hello: far.hello }
  }
  if (sides.near === undefined) throw new Error(`expected ${moduleUrl} to export "near"`)
  near = await sides.near(context)
  return Object.keys(near.measures)
}

function answer(reply: Answer): void {
  process.send?.(reply)
}
