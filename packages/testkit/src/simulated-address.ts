import { isIP } from 'node:net'
import { TestkitError } from './errors.js'

/** An IP literal and a port. */
export interface SimulatedAddress {
  host: string
  port: number
}

/** What an IP literal is. */
export interface ParsedHost {
  /** In canonical form and without scope: what addresses are compared by. */
  readonly host: string
  /** After `%`, or empty. */
  readonly scope: string
  readonly family: 4 | 6
  readonly kind: 'unicast' | 'multicast' | 'wildcard' | 'loopback'
  /** fe80::/10: good on one segment only. */
  readonly linkLocal: boolean
}

/** Parsing costs more than the way of a packet, and a simulation has few addresses. */
const parsed = new Map<string, ParsedHost | undefined>()
/** Code under test may invent addresses without end. */
const MAX_PARSED = 65_536

/** Undefined for what is no IP literal. */
export function parseHost(text: string): ParsedHost | undefined {
  const known = parsed.get(text)
  if (known !== undefined || parsed.has(text)) return known
  const fresh = parse(text)
  if (parsed.size >= MAX_PARSED) parsed.clear()
  parsed.set(text, fresh)
  return fresh
}

/** Throws ADDRESS_INVALID for anything but an IP literal (IPv6 with or without scope) and a port of at least `lowestPort`. */
export function requireAddress(address: SimulatedAddress, lowestPort: 0 | 1): ParsedHost {
  const { host, port } = address
  const known = typeof host === 'string' ? parseHost(host) : undefined
  if (known !== undefined && Number.isInteger(port) && port >= lowestPort && port <= 65_535) return known
  throw new TestkitError(
    'ADDRESS_INVALID',
    `expected an IP literal and a port from ${lowestPort} to 65535, got ${JSON.stringify(host)} and ${port}`,
  )
}

function parse(text: string): ParsedHost | undefined {
  const family = isIP(text)
  if (family !== 4 && family !== 6) return undefined
  const at = text.indexOf('%')
  const bare = at < 0 ? text : text.slice(0, at)
  // The URL parser knows the canonical form of RFC 5952, by which equal addresses have equal texts.
  const host = family === 4 ? bare : new URL(`http://[${bare}]`).hostname.slice(1, -1)
  const scope = at < 0 ? '' : text.slice(at + 1)
  return { host, scope, family, kind: kindOf(host, family), linkLocal: /^fe[89ab]/.test(host) && family === 6 }
}

function kindOf(host: string, family: 4 | 6): ParsedHost['kind'] {
  if (host === '0.0.0.0' || host === '::') return 'wildcard'
  if (family === 6) return host === '::1' ? 'loopback' : host.startsWith('ff') ? 'multicast' : 'unicast'
  const first = Number.parseInt(host, 10)
  return first === 127 ? 'loopback' : first >= 224 && first <= 239 ? 'multicast' : 'unicast'
}
