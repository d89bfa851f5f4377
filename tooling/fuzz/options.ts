/** The command line of `npm run fuzz`. Everything is checked before anything runs. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

export const USAGE = `npm run fuzz -- [list] [options]

  list             every target, what it is fed with, and the exports it covers
  --cases N        cases, shared out over the targets           (default 200000)
  --minutes M      as many cases as fit into M minutes, instead
  --seed S         another seed gives other inputs              (default 1)
  --target NAME    only this target, or all whose names begin so ('wire/'); may be repeated
  --jobs N         processes at the same time                   (default: one for each core, at most 2)
  --case N         replays this one case; needs --target
  --from N         with --case: the cases from here on before it, for what one case alone does not show
  --untimed        times are printed and not judged: for a short run, of which 99.9 % says little
  --json           figures as one object in the last line
`

export interface FuzzOptions {
  readonly list: boolean
  readonly cases: number
  readonly minutes: number | undefined
  readonly seed: string
  readonly targets: readonly string[]
  readonly jobs: number
  readonly replay: { readonly from: number; readonly number: number } | undefined
  readonly untimed: boolean
  readonly json: boolean
}

/** What is wrong with the command line, in words. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** `undefined`: help was asked for. @throws UsageError */
export function readOptions(args: readonly string[]): FuzzOptions | undefined {
  const { values, positionals } = parsed(args)
  if (values.help) return undefined
  const [word, ...more] = positionals
  if ((word !== undefined && word !== 'list') || more.length > 0) {
    throw new UsageError(`unknown word ${JSON.stringify(word === 'list' ? more[0] : word)}: expected list, or nothing`)
  }
  const number = whole('--case', values.case, 0)
  const from = whole('--from', values.from, 0)
  if (number === undefined && from !== undefined) throw new UsageError('--from needs --case')
  if (number !== undefined && values.target?.length !== 1) throw new UsageError('--case needs one --target')
  if (number !== undefined && (from ?? number) > number) throw new UsageError('--from must not be above --case')
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes)
  if (minutes !== undefined && !(minutes > 0))
    throw new UsageError(`--minutes: expected a number above 0, got ${values.minutes}`)
  if (minutes !== undefined && values.cases !== undefined) throw new UsageError('either --cases or --minutes')
  return {
    list: word === 'list',
    cases: whole('--cases', values.cases, 1) ?? 200_000,
    minutes,
    seed: values.seed ?? '1',
    targets: values.target ?? [],
    jobs: whole('--jobs', values.jobs, 1) ?? Math.min(2, availableParallelism()),
    replay: number === undefined ? undefined : { from: from ?? number, number },
    untimed: values.untimed ?? false,
    json: values.json ?? false,
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        cases: { type: 'string' },
        minutes: { type: 'string' },
        seed: { type: 'string' },
        target: { type: 'string', multiple: true },
        jobs: { type: 'string' },
        case: { type: 'string' },
        from: { type: 'string' },
        untimed: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function whole(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= least && text.trim() !== '') return value
  throw new UsageError(`${name}: expected a whole number of at least ${least}, got ${JSON.stringify(text)}`)
}
