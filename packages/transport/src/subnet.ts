/** Which interface leads to an address, or a datagram came in by: inferred from the subnet, as Node does not tell. Pure. */

/** An address of an interface, as `NetworkInterface` and `os.networkInterfaces()` have it. */
export interface SubnetOf {
  readonly address: string
  readonly netmask: string
  readonly name?: string
  /** What a scope on this machine says of the interface, where that is not its name. */
  readonly scope?: string | undefined
}

const [DOT, COLON, PERCENT, ZERO, NINE] = [0x2e, 0x3a, 0x25, 0x30, 0x39]
const [LOWER_A, LOWER_F, CASE] = [0x61, 0x66, 0x20]
const GROUPS = 8
/** fe80::/10: good on one link only. */
const [LINK_LOCAL, LINK_LOCAL_MASK] = [0xfe80, 0xffc0]

/**
 * Whether `host` lies in the subnet of an interface; false for what is no IP literal. A link-local IPv6 host needs the scope of
 * the interface, because every interface has that subnet; a scope on any other host must fit too. IPv4 inside IPv6 lies in none.
 */
export function inSubnet(host: string, networkInterface: SubnetOf): boolean {
  const source = ipv4Of(host)
  if (source === undefined) return inSubnet6(host, networkInterface)
  const address = ipv4Of(networkInterface.address)
  const mask = ipv4Of(networkInterface.netmask)
  if (address === undefined || mask === undefined) return false
  return (source & mask) === (address & mask)
}

/** Whether a datagram to `host` goes to all of the interface's subnet; a subnet of one or two addresses has no such host (RFC 3021). */
export function isBroadcast(host: string, { address, netmask }: SubnetOf): boolean {
  if (host === '255.255.255.255') return true
  const [target, own, mask] = [ipv4Of(host), ipv4Of(address), ipv4Of(netmask)]
  if (target === undefined || own === undefined || mask === undefined) return false
  const hosts = ~mask
  return hosts >>> 0 > 1 && target === ((own & mask) | hosts)
}

/** fe80::/10, among IP literals without or with scope. */
export function isLinkLocal(host: string): boolean {
  const groups = ipv6Of(host)
  return groups !== undefined && isLinkLocalGroup(groups[0])
}

function inSubnet6(host: string, { address, netmask, name, scope = name }: SubnetOf): boolean {
  const source = ipv6Of(host)
  const own = source && ipv6Of(address)
  const mask = own && ipv6Of(netmask)
  if (source === undefined || own === undefined || mask === undefined) return false
  const percent = host.indexOf('%')
  if (percent < 0 ? isLinkLocalGroup(source[0]) : host.slice(percent + 1) !== scope) return false
  return source.every((group, index) => ((group ^ (own[index] ?? 0)) & (mask[index] ?? 0)) === 0)
}

function isLinkLocalGroup(first: number | undefined): boolean {
  return ((first ?? 0) & LINK_LOCAL_MASK) === LINK_LOCAL
}

/** Undefined for what is not four numbers up to 255 with dots between. Called for every datagram: no regular expressions. */
function ipv4Of(address: string): number | undefined {
  let number = 0
  let byte = 0
  let digits = 0
  let dots = 0
  for (let index = 0; index < address.length; index += 1) {
    const code = address.charCodeAt(index)
    if (code === DOT && digits > 0) {
      number = (number << 8) | byte
      byte = 0
      digits = 0
      dots += 1
    } else {
      byte = byte * 10 + (code - ZERO)
      digits += 1
      if (code < ZERO || code > NINE || digits > 3 || byte > 255) return undefined
    }
  }
  return dots === 3 && digits > 0 ? (number << 8) | byte : undefined
}

/**
 * The eight groups before a scope, if there is one. Undefined for what is not up to eight hexadecimal numbers with colons between,
 * `::` once at most for those left out. The form with dots at its end is not read.
 */
function ipv6Of(address: string): number[] | undefined {
  const groups: number[] = []
  let group = 0
  let digits = 0
  /** How many groups stand before `::`. */
  let gap = -1
  let index = 0
  for (; index < address.length; index += 1) {
    const code = address.charCodeAt(index)
    if (code === PERCENT) break
    if (code !== COLON) {
      const digit = hexDigit(code)
      if (digit < 0 || digits === 4) return undefined
      group = group * 16 + digit
      digits += 1
      continue
    }
    const doubled = address.charCodeAt(index + 1) === COLON
    // A single colon stands after a number and before another character.
    if (digits === 0 && !(index === 0 && doubled)) return undefined
    if (digits > 0) groups.push(group)
    group = 0
    digits = 0
    if (!doubled) {
      if (index + 1 === address.length || address.charCodeAt(index + 1) === PERCENT) return undefined
      continue
    }
    if (gap >= 0) return undefined
    gap = groups.length
    index += 1
  }
  if (digits > 0) groups.push(group)
  const missing = GROUPS - groups.length
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined
  if (gap >= 0) groups.splice(gap, 0, ...new Array<number>(missing).fill(0))
  return groups
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= NINE) return code - ZERO
  const lower = code | CASE
  return lower >= LOWER_A && lower <= LOWER_F ? lower - LOWER_A + 10 : -1
}
