/** The system's own tools that build a network and watch it: ip(8), tc(8), nft(8) and tcpdump(8). */
import { spawnSync } from 'node:child_process'
import { NetlabError } from './errors.js'

/** Each takes milliseconds; one that hangs must not hang the run, least of all its cleaning up. */
const COMMAND_LIMIT_MS = 10_000

/** Runs it to its end and returns what it printed. @throws NetlabError COMMAND_FAILED */
export function command(words: readonly string[], input = ''): string {
  const [program = '', ...args] = words
  const result = spawnSync(program, args, { encoding: 'utf8', input, timeout: COMMAND_LIMIT_MS })
  if (result.status === 0) return result.stdout
  const why = result.error?.message ?? result.stderr.trim()
  throw new NetlabError('COMMAND_FAILED', `${words.join(' ')} failed: ${why}`)
}

/** What a scenario needs beside network namespaces. */
export type Tool = 'nft' | 'tc' | 'tcpdump'

/** Debian's names; other distributions have the same. */
const PACKAGES: Readonly<Record<Tool | 'ip', string>> = {
  ip: 'iproute2',
  tc: 'iproute2',
  nft: 'nftables',
  tcpdump: 'tcpdump',
}

/** Why this machine cannot run what needs `tools`, or undefined. */
export function obstacle(tools: readonly Tool[]): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist only on Linux'
  if (process.getuid?.() !== 0) return 'making network namespaces needs root'
  const missing = (['ip', ...tools] as const).filter((tool) => !isThere(tool))
  if (missing.length === 0) return undefined
  const packages = [...new Set(missing.map((tool) => PACKAGES[tool]))].join(' ')
  return `${missing.map((tool) => `${tool}(8)`).join(' and ')} not found: install the package ${packages} (apt-get install ${packages})`
}

function isThere(tool: Tool | 'ip'): boolean {
  return spawnSync(tool, [tool === 'tcpdump' ? '--version' : '-V']).status === 0
}
