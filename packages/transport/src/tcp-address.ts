/** Where the ends of a TCP socket are. */
import type { Socket } from 'node:net'
import type { Address } from './address.js'

const IPV4_MAPPED = '::ffff:'

/** Undefined when the connection has gone already. */
export function remoteAddressOf({ remoteAddress, remotePort }: Socket): Address | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined
  return { host: plainHost(remoteAddress), port: remotePort }
}

export function localAddressOf({ localAddress = '', localPort = 0 }: Socket): Address {
  return { host: plainHost(localAddress), port: localPort }
}

/**
 * IPv4 as IPv4. A socket for both families, which only somebody else can have opened, shows it inside IPv6 (RFC 4291 §2.5.5.2), and every limit
 * of an address would know that one twice.
 */
export function plainHost(host: string): string {
  return host.startsWith(IPV4_MAPPED) && host.includes('.') ? host.slice(IPV4_MAPPED.length) : host
}

/** Unlike that of every other living connection. With the local host: at `0.0.0.0` one remote port may reach two addresses of this machine. */
export function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
