/** Which of this machine's addresses to use. Pure: the caller reads `os.networkInterfaces()` and, as Node has no event for it, polls. */
import type { networkInterfaces } from 'node:os'
import { TransportError } from './errors.js'
import { isLinkLocal } from './subnet.js'

export interface NetworkInterface {
  readonly name: string
  /** IP literal without scope: see {@link scopedHost}. */
  readonly address: string
  readonly family: 4 | 6
  readonly netmask: string
  /** Loopback. */
  readonly internal: boolean
  /** What a scope says of it on this machine, where that is not its name: its index on Windows. */
  readonly scope?: string
}

/** Names of interfaces, or prefixes that end in `*`. */
export interface InterfaceRules {
  /** When it is not empty, only these are used; they are used even if they would be left out otherwise. */
  allow?: readonly string[]
  /** Never used; wins over `allow`. */
  deny?: readonly string[]
}

/** Made by containers, virtual machines and tunnels: no peer of the local network is behind them. Guessed from their names. */
const VIRTUAL = ['docker*', 'br-*', 'veth*', 'virbr*', 'cni*', 'flannel*', 'tailscale*', 'wg*', 'utun*', 'zt*']
/** Nobody else is in a network of one address. */
const POINT_TO_POINT = new Set(['255.255.255.255', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'])
/** A name or a prefix: what Linux, macOS and Windows have in names of interfaces, and at most one `*`, at the end. */
const RULE = /^[^!*,]+\*?$|^\*$/

/**
 * Reads rules from text: patterns with commas between, `!` before those to leave out, as in `lo,eth*,!docker*`.
 * Empty text means no rules.
 * @throws TransportError INTERFACE_RULE_INVALID
 */
export function parseInterfaceRules(text: string): InterfaceRules {
  const allow: string[] = []
  const deny: string[] = []
  for (const item of text.split(',').map((part) => part.trim())) {
    if (item === '') continue
    const pattern = item.startsWith('!') ? item.slice(1) : item
    if (!RULE.test(pattern)) {
      throw new TransportError(
        'INTERFACE_RULE_INVALID',
        `Expected the name of an interface or a prefix ending in *, with ! before it to leave it out, but got ${JSON.stringify(item)}.`,
      )
    }
    if (pattern === item) allow.push(pattern)
    else deny.push(pattern)
  }
  return { allow, deny }
}

/**
 * The addresses to use, in the order of the machine. Without `allow`: no loopback, no point-to-point links, nothing virtual; and if
 * that leaves nothing, loopback. Loopback is IPv4 only, because multicast on `::1` reaches nobody on most systems. `platform` is
 * `process.platform` where scopes matter.
 */
export function usableInterfaces(
  all: ReturnType<typeof networkInterfaces>,
  rules: InterfaceRules,
  platform = 'linux',
): NetworkInterface[] {
  const { allow = [], deny = [] } = rules
  const candidates = flatten(all, platform).filter(
    (one) => !matches(one.name, deny) && !(one.internal && one.family === 6),
  )
  if (allow.length > 0) return candidates.filter((one) => matches(one.name, allow))
  const real = candidates.filter(
    (one) => !one.internal && !POINT_TO_POINT.has(one.netmask) && !matches(one.name, VIRTUAL),
  )
  return real.length > 0 ? real : candidates.filter((one) => one.internal)
}

/** What to bind, and to dial on this machine: a link-local IPv6 address means nothing without its scope. */
export function scopedHost({ address, name, scope = name }: NetworkInterface): string {
  return isLinkLocal(address) ? `${address}%${scope}` : address
}

function flatten(all: ReturnType<typeof networkInterfaces>, platform: string): NetworkInterface[] {
  return Object.entries(all).flatMap(([name, addresses = []]) =>
    addresses.map((one) => ({
      name,
      address: one.address,
      family: one.family === 'IPv4' ? 4 : 6,
      netmask: one.netmask,
      internal: one.internal,
      ...(platform === 'win32' && one.family === 'IPv6' && one.scopeid > 0 ? { scope: String(one.scopeid) } : {}),
    })),
  )
}

function matches(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern))
}
