/** Forged source addresses, as nft(8) wants to be told. Pure. */
import { isIPv4 } from 'node:net'
import { NetlabError } from './errors.js'

const TABLE = 'forge'
/** As many as a kernel looks up without slowing the sender down noticeably. */
const MAX_ADDRESSES = 1_000

/** Replaces the rules that are there. Checksums follow. @throws NetlabError BAD_ARGUMENT */
export function forgeRules(port: number, addresses: readonly string[]): string {
  if (addresses.length === 0 || addresses.length > MAX_ADDRESSES || !addresses.every((address) => isIPv4(address))) {
    throw new NetlabError('BAD_ARGUMENT', `expected 1 to ${MAX_ADDRESSES} IPv4 addresses, got ${addresses.length}`)
  }
  // By chance: in turns, what is sent in turns would always come from the same addresses.
  const draw = `numgen random mod ${addresses.length}`
  const map = addresses.map((address, index) => `${index} : ${address}`).join(', ')
  return [
    `add table ip ${TABLE}`,
    `delete table ip ${TABLE}`,
    `add table ip ${TABLE}`,
    `add chain ip ${TABLE} out { type filter hook postrouting priority 0; policy accept; }`,
    `add rule ip ${TABLE} out udp sport ${port} ip saddr set ${draw} map { ${map} }`,
    '',
  ].join('\n')
}
