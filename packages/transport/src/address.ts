import { isIP } from 'node:net'
import type { PeerAddress } from '@pc/identity'
import { TransportError } from './errors.js'

/**
 * Where a peer can be reached: an IP literal and the port that its TCP and UDP sockets share. A link-local IPv6 host may carry
 * a scope (`fe80::1%eth0`) while it stays on the machine that observed it; the scope means nothing elsewhere and is never sent.
 */
export type Address = PeerAddress

/** `192.168.1.7:3485`, and `[fe80::1%eth0]:3485` for IPv6. */
export function formatAddress(address: Address): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/**
 * Reads what {@link formatAddress} writes. Names are not resolved here: the host must be an IP literal.
 * @throws TransportError ADDRESS_INVALID
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const bracketed = match?.[1]
  const host = bracketed ?? match?.[2] ?? ''
  const port = Number(match?.[3])
  if (match === null || isIP(host) !== (bracketed === undefined ? 4 : 6) || port > 65_535) {
    throw new TransportError(
      'ADDRESS_INVALID',
      `Expected an IP address and a port, like 192.168.1.7:3485 or [fd00::7]:3485, but got ${JSON.stringify(text)}.`,
    )
  }
  return { host, port }
}

/**
 * Refuses an address that a socket would have to interpret: anything but an IP literal with an integer port.
 * Sockets resolve names by themselves, and a name coming from the network must never cause a DNS query.
 * @throws TransportError ADDRESS_INVALID
 */
export function requireAddress(address: Address, anyPort = false): void {
  const { host, port } = address
  if (isIP(host) !== 0 && Number.isInteger(port) && port >= (anyPort ? 0 : 1) && port <= 65_535) return
  throw new TransportError(
    'ADDRESS_INVALID',
    `Expected an IP literal and a port from ${anyPort ? 0 : 1} to 65535, but got host ${JSON.stringify(host)}, port ${String(port)}.`,
    { address },
  )
}

/** 4 or 6 for an IP literal, 0 for anything else. */
export function familyOf(host: string): 0 | 4 | 6 {
  return isIP(host) as 0 | 4 | 6
}

/** `0.0.0.0` and `::`: every address of the machine. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** 224.0.0.0/4 and ff00::/8, among IP literals. */
export function isMulticast(host: string): boolean {
  if (host.includes(':')) return /^ff..:/i.test(host)
  const first = Number.parseInt(host, 10)
  return first >= 224 && first <= 239
}

/** True when both name the same endpoint, compared as text: peers and sockets here write each address in one form only. */
export function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.host === b.host
}
