import { isIPv4, isIPv6 } from 'node:net'

/** Where a peer listens. TCP and UDP share the port. */
export interface PeerAddress {
  /** An IP literal; IPv6 without brackets and without scope, in the form of RFC 5952. */
  host: string
  /** 1 to 65535. */
  port: number
}

/** The 4 or 16 bytes of an IP literal; `undefined` for names, scopes and everything else. */
export function bytesOfHost(host: string): Uint8Array | undefined {
  if (isIPv4(host)) return bytesOfIPv4(host)
  return isIPv6(host) && !host.includes('%') ? bytesOfIPv6(host) : undefined
}

/** The canonical text of 4 or 16 bytes, or `undefined` if they are no unicast address a peer could listen on. */
export function unicastHost(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return isUnicastIPv4(bytes) ? textOfIPv4(bytes) : undefined
  return bytes.length === 16 && isUnicastIPv6(bytes) ? textOfIPv6(bytes) : undefined
}

/** Not "this network" (0/8, RFC 791), multicast (224/4) or reserved with the broadcast address (240/4). */
function isUnicastIPv4(bytes: Uint8Array): boolean {
  const first = bytes[0] ?? 0
  return first !== 0 && first < 224
}

/** Not unspecified, multicast (ff00::/8) or IPv4 inside IPv6 (::ffff:0:0/96), which has a form of its own. */
function isUnicastIPv6(bytes: Uint8Array): boolean {
  const zeros = bytes.findIndex((byte) => byte !== 0)
  const mapped = zeros === 10 && bytes[10] === 0xff && bytes[11] === 0xff
  return zeros !== -1 && bytes[0] !== 0xff && !mapped
}

/** By hand, as they are read and written 20 at a time: four times as fast as `split` and `join`. @param host one that is valid */
function bytesOfIPv4(host: string): Uint8Array {
  const bytes = new Uint8Array(4)
  let at = 0
  let value = 0
  for (let index = 0; index < host.length; index++) {
    const code = host.charCodeAt(index)
    if (code === DOT) {
      bytes[at++] = value
      value = 0
    } else value = 10 * value + code - ZERO
  }
  bytes[at] = value
  return bytes
}

const [DOT, ZERO] = [0x2e, 0x30]

function textOfIPv4([a, b, c, d]: Uint8Array): string {
  return `${a}.${b}.${c}.${d}`
}

function bytesOfIPv6(host: string): Uint8Array {
  // The last group may be written as IPv4: two groups.
  const dotted = host.includes('.') ? host.slice(host.lastIndexOf(':') + 1) : undefined
  const [a = 0, b = 0, c = 0, d = 0] = dotted?.split('.').map(Number) ?? []
  const plain =
    dotted === undefined
      ? host
      : `${host.slice(0, -dotted.length)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  const [head = '', tail] = plain.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const front = groups(head)
  const back = groups(tail ?? '')
  const all = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

/** RFC 5952 §4: lower case, no leading zeros, the first longest run of two or more zero groups as `::`. */
function textOfIPv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  )
  let start = 0
  let length = 1
  for (let from = 0; from < 8; from++) {
    let run = 0
    while (groups[from + run] === '0') run++
    if (run > length) [start, length] = [from, run]
  }
  if (length === 1) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}
