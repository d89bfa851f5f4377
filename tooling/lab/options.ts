/** The command line of the laboratory: which entry, which seed or seeds, which options. Pure; everything else is a usage error. */

/** One option of a scenario: a number between two bounds, or a text. */
export type OptionSpec =
  | {
      readonly help: string
      readonly min: number
      readonly max: number
      /** Whole numbers only. @default false */
      readonly whole?: boolean
      /** Without it the scenario draws a value from the seed. */
      readonly default?: number
    }
  | { readonly help: string; readonly text: true; readonly default?: string }

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** What was given, or stands as the default. */
export type OptionValues = Readonly<Record<string, number | string>>

/** What can be run by name. */
export interface Described {
  readonly name: string
  readonly summary: string
  readonly options: OptionSpecs
}

export type Request =
  | { readonly kind: 'list' }
  | { readonly kind: 'help'; readonly name: string | undefined }
  | {
      readonly kind: 'run'
      readonly name: string
      /** Absent: one is drawn. */
      readonly seed: string | undefined
      readonly seeds: SeedRange | undefined
      /** With the defaults filled in. */
      readonly values: OptionValues
      /** Only what was typed, for the command that replays it. */
      readonly given: OptionValues
      readonly json: boolean
    }

export interface SeedRange {
  readonly first: number
  readonly last: number
}

/** Exit code 2: the text says what was expected and what there is. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const MAX_SEEDS = 1_000_000

/** @throws UsageError */
export function parseArguments(args: readonly string[], entries: readonly Described[]): Request {
  const [name, ...rest] = args
  if (name === undefined || name === '--help') return { kind: 'help', name: undefined }
  if (name === 'list') {
    if (rest.length > 0) throw new UsageError(`"lab list" takes no options, got ${JSON.stringify(rest.join(' '))}.`)
    return { kind: 'list' }
  }
  const entry = entries.find((one) => one.name === name)
  if (entry === undefined) {
    const names = entries.map((one) => one.name).join(', ')
    throw new UsageError(`Unknown scenario ${JSON.stringify(name)}. There are: ${names}. "lab list" describes them.`)
  }
  if (rest.includes('--help')) return { kind: 'help', name }
  return parseRun(entry, rest)
}

/** `npm run lab -- …` with which the same run happens again. */
export function commandOf(name: string, seed: string, given: OptionValues): string {
  const options = Object.entries(given).map(([key, value]) => `--${key} ${quoted(String(value))}`)
  return ['npm run lab --', name, '--seed', quoted(seed), ...options].join(' ')
}

function parseRun(entry: Described, rest: readonly string[]): Request {
  const given: Record<string, number | string> = {}
  let seed: string | undefined
  let seeds: SeedRange | undefined
  let json = false
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? ''
    if (word === '--json') {
      json = true
      continue
    }
    const { key, value } = optionAt(rest, index)
    if (!word.includes('=')) index += 1
    if (key === 'seed') seed = requireValue(key, value)
    else if (key === 'seeds') seeds = parseSeeds(requireValue(key, value))
    else given[key] = parseValue(entry, key, value)
  }
  if (seed !== undefined && seeds !== undefined) throw new UsageError('Expected --seed or --seeds, got both.')
  const values: Record<string, number | string> = {}
  for (const [key, spec] of Object.entries(entry.options)) {
    const value = given[key] ?? spec.default
    if (value !== undefined) values[key] = value
  }
  return { kind: 'run', name: entry.name, seed, seeds, values, given, json }
}

function optionAt(rest: readonly string[], index: number): { key: string; value: string | undefined } {
  const word = rest[index] ?? ''
  const match = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(word)
  if (match === null) throw new UsageError(`Expected an option such as --seed 1, got ${JSON.stringify(word)}.`)
  return { key: match[1] ?? '', value: match[2] ?? (word.includes('=') ? '' : rest[index + 1]) }
}

function parseValue(entry: Described, key: string, value: string | undefined): number | string {
  if (key === 'json') throw new UsageError('--json takes no value.')
  const spec = Object.hasOwn(entry.options, key) ? entry.options[key] : undefined
  if (spec === undefined) {
    const known = ['seed', 'seeds', 'json', ...Object.keys(entry.options)].map((one) => `--${one}`).join(', ')
    throw new UsageError(`${entry.name} has no option --${key}. It has: ${known}.`)
  }
  const text = requireValue(key, value)
  if ('text' in spec) return text
  const number = Number(text)
  const fits =
    text.trim() !== '' && number >= spec.min && number <= spec.max && (!spec.whole || Number.isInteger(number))
  if (fits) return number
  const kind = spec.whole ? 'a whole number' : 'a number'
  throw new UsageError(`--${key}: expected ${kind} from ${spec.min} to ${spec.max}, got ${JSON.stringify(text)}.`)
}

function requireValue(key: string, value: string | undefined): string {
  if (value === undefined || value === '' || value.startsWith('--')) throw new UsageError(`--${key} needs a value.`)
  return value
}

function parseSeeds(text: string): SeedRange {
  const match = /^(\d{1,15})\.\.(\d{1,15})$/.exec(text)
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) }
  if (range.last >= range.first && range.last - range.first < MAX_SEEDS) return range
  throw new UsageError(`--seeds: expected a rising range such as 1..100, at most ${MAX_SEEDS} long, got "${text}".`)
}

function quoted(text: string): string {
  return /^[\w.:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
