/** `netlab list` and `--help`. */
import type { Described } from './command-line.js'

export function listText(scenarios: readonly Described[]): string {
  const width = Math.max(...scenarios.map(({ name }) => name.length))
  return [
    ...scenarios.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}`),
    `${'all'.padEnd(width)}  all of them, one after the other`,
    `${'brief'.padEnd(width)}  a part of them, shorter: what npm run test:slow runs`,
  ].join('\n')
}

export function helpText(scenarios: readonly Described[], name: string | undefined): string {
  const scenario = scenarios.find((one) => one.name === name)
  if (scenario === undefined) {
    return [
      'Usage: npm run netlab -- <scenario> [options] [--json]',
      '',
      'The built daemons, and small programs, on several hosts of this machine’s own making: network namespaces joined by',
      'bridges, with loss, partitions, slow links and power cuts. Needs root, ip(8), mostly nft(8), tc(8) or tcpdump(8), and touches no',
      'interface of the machine. Without root it says so and exits with 77. It cannot delay packets.',
      '',
      listText(scenarios),
      '',
      '--json   one object as the last line of stdout: {"scenario", "options", "pass", "figures"}',
      'Exit codes: 0 passed, 1 failed, 2 wrong command line, 77 skipped.',
    ].join('\n')
  }
  const options = Object.entries(scenario.options).map(([key, spec]) => {
    const bounds = 'flag' in spec ? '' : ` (${spec.min} to ${spec.max}, default ${spec.default})`
    return `  ${`--${key}`.padEnd(18)} ${spec.help}${bounds}`
  })
  return [`${scenario.name}: ${scenario.summary}`, '', ...options, `  ${'--json'.padEnd(18)} figures as JSON`].join(
    '\n',
  )
}
