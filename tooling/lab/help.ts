/** `lab list` and `--help`. */
import type { OptionSpec } from './options.js'
import type { Entry } from './scenario.js'

export function catalogue(entries: readonly Entry[]): string[] {
  return entries.map(({ name, summary }) => `${name.padEnd(14)} ${summary}`)
}

export function helpOf(entries: readonly Entry[], name: string | undefined): string[] {
  const entry = entries.find((one) => one.name === name)
  if (entry === undefined) {
    return [
      'lab list                                     what there is',
      'lab <scenario> [--seed S] [options] [--json] one run; without a seed one is drawn and printed',
      'lab <scenario> --seeds A..B [options]        a range on all cores',
      'lab <scenario> --help                        its options',
      '',
      ...catalogue(entries),
    ]
  }
  const options = Object.entries(entry.options).map(([key, spec]) => `  --${key.padEnd(18)} ${spec.help}${range(spec)}`)
  const seed =
    '  --seed               a number or a text; the same seed gives the same run. Without it one is drawn and printed'
  const seeds = '  --seeds              A..B: one run for each, on all cores'
  return [`lab ${entry.name}: ${entry.summary}`, '', seed, ...(entry.kind === 'scenario' ? [seeds] : []), ...options]
}

function range(spec: OptionSpec): string {
  const otherwise = spec.default === undefined ? 'else left out or drawn from the seed' : `default ${spec.default}`
  return 'text' in spec ? ` (text; ${otherwise})` : ` (${spec.min} to ${spec.max}; ${otherwise})`
}
