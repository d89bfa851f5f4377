/** Which interface leads to an address, or a datagram came in by: inferred from the subnet, as Node does not tell. IPv4 only. Pure. */

const [DOT, ZERO, NINE] = [0x2e, 0x30, 0x39]

/** Whether `host` lies in the subnet of an interface; false for everything that is not IPv4. */
export function inSubnet(host: string, networkInterface: { address: string; netmask: string }): boolean {
  const source = numberOf(host)
  const address = numberOf(networkInterface.address)
  const mask = numberOf(networkInterface.netmask)
  if (source === undefined || address === undefined || mask === undefined) return false
  return (source & mask) === (address & mask)
}

/** Undefined for what is not four numbers up to 255 with dots between. Called for every datagram: no regular expressions. */
function numberOf(address: string): number | undefined {
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
