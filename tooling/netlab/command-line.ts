/** The command line of the network lab. Pure; what it does not know is a usage error that says what there is. */

/** One option of a scenario: a number between two bounds, or a switch. */
export type OptionSpec = NumberSpec | { readonly help: string; readonly flag: true }

interface NumberSpec {
  readonly help: string
  readonly min: number
  readonly max: number
  readonly whole?: boolean
  readonly default: number
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>
export type OptionValues = Readonly<Record<string, number | boolean>>

/** What can be run by name. */
export interface Described {
  readonly name: string
  readonly summary: string
  readonly options: OptionSpecs
}

export type Request =
  | { readonly kind: 'list'; readonly json: boolean }
  | { readonly kind: 'help'; readonly name: string | undefined }
  /** `values` with the defaults filled in. */
  | { readonly kind: 'run'; readonly name: string; readonly values: OptionValues; readonly json: boolean }
  | { readonly kind: 'set'; readonly name: SetName; readonly json: boolean }

/** Several scenarios one after the other. */
export const SETS = ['all', 'brief'] as const
export type SetName = (typeof SETS)[number]

/** Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws UsageError */
export function parseArguments(args: readonly string[], scenarios: readonly Described[]): Request {
  const [name, ...rest] = args
  if (name === undefined || name === '--help') return { kind: 'help', name: undefined }
  const set = SETS.find((one) => one === name)
  const known = scenarios.find((one) => one.name === name)
  if (name !== 'list' && set === undefined && known === undefined) {
    const names = [...SETS, ...scenarios.map((one) => one.name)].join(', ')
    throw new UsageError(`Unknown scenario ${JSON.stringify(name)}. There are: ${names}. "netlab list" describes them.`)
  }
  if (rest.includes('--help')) return { kind: 'help', name: known?.name }
  const { json, values } = parseOptions(name, known?.options ?? {}, rest)
  if (known !== undefined) return { kind: 'run', name, values: { ...defaultsOf(known.options), ...values }, json }
  return set === undefined ? { kind: 'list', json } : { kind: 'set', name: set, json }
}

export function defaultsOf(specs: OptionSpecs): OptionValues {
  return Object.fromEntries(Object.entries(specs).map(([key, spec]) => [key, 'flag' in spec ? false : spec.default]))
}

function parseOptions(
  name: string,
  specs: OptionSpecs,
  rest: readonly string[],
): { json: boolean; values: OptionValues } {
  const values: Record<string, number | boolean> = {}
  let json = false
  for (let index = 0; index < rest.length; index += 1) {
    const match = /^--([a-z][a-z0-9-]*)(?:=(.*))?$/s.exec(rest[index] ?? '')
    const key = match?.[1] ?? ''
    const spec = specs[key]
    const inline = match?.[2]
    if (key === 'json' && inline === undefined) {
      json = true
    } else if (spec === undefined) {
      const known = ['json', ...Object.keys(specs)].map((one) => `--${one}`).join(', ')
      throw new UsageError(`${name} has no option ${JSON.stringify(rest[index])}. It has: ${known}.`)
    } else if ('flag' in spec) {
      if (inline !== undefined) throw new UsageError(`--${key} takes no value, got ${JSON.stringify(inline)}.`)
      values[key] = true
    } else {
      if (inline === undefined) index += 1
      values[key] = parseNumber(key, spec, inline ?? rest[index])
    }
  }
  return { json, values }
}

function parseNumber(key: string, spec: NumberSpec, text: string | undefined): number {
  const value = Number(text)
  const fits = text !== undefined && text.trim() !== '' && value >= spec.min && value <= spec.max
  if (fits && (spec.whole !== true || Number.isInteger(value))) return value
  const kind = spec.whole === true ? 'a whole number' : 'a number'
  throw new UsageError(`--${key}: expected ${kind} from ${spec.min} to ${spec.max}, got ${JSON.stringify(text ?? '')}.`)
}
