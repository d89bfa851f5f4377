import { isIP } from 'node:net'
import { TestkitError } from './errors.js'

/** An IP literal and a port. */
export interface SimulatedAddress {
  host: string
  port: number
}

/** A map key: one text per address. */
export function addressKey(address: SimulatedAddress): string {
  return `${address.host}|${address.port}`
}

/** Throws ADDRESS_INVALID for anything but an IP literal (IPv6 with or without scope) and a port of at least `lowestPort`. */
export function requireAddress(address: SimulatedAddress, lowestPort: 0 | 1): void {
  const { host, port } = address
  if (isIP(host) !== 0 && Number.isInteger(port) && port >= lowestPort && port <= 65_535) return
  throw new TestkitError(
    'ADDRESS_INVALID',
    `expected an IP literal and a port from ${lowestPort} to 65535, got ${JSON.stringify(host)} and ${port}`,
  )
}

/** The address without an IPv6 scope: a simulated host has a single interface, so scopes say nothing. */
export function withoutScope(host: string): string {
  const scope = host.indexOf('%')
  return scope < 0 ? host : host.slice(0, scope)
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** 224.0.0.0/4 and ff00::/8. */
export function isMulticast(host: string): boolean {
  if (host.includes(':')) return host.toLowerCase().startsWith('ff')
  const first = Number.parseInt(host, 10)
  return first >= 224 && first <= 239
}

/** Whether a datagram to `target` is a broadcast that `host` hears: the limited one, or that of its /24. */
export function isBroadcastFor(target: string, host: string): boolean {
  if (host.includes(':') || target.includes(':')) return false
  return target === '255.255.255.255' || target === `${host.slice(0, host.lastIndexOf('.'))}.255`
}
