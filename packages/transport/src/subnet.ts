/** Which interface leads to an address, or a datagram came in by: inferred from the subnet, as Node does not tell. IPv4 only. Pure. */

/** Whether `host` lies in the subnet of an interface; false for everything that is not IPv4. */
export function inSubnet(host: string, networkInterface: { address: string; netmask: string }): boolean {
  const source = numberOf(host)
  const address = numberOf(networkInterface.address)
  const mask = numberOf(networkInterface.netmask)
  if (source === undefined || address === undefined || mask === undefined) return false
  return (source & mask) === (address & mask)
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.')
  if (parts.length !== 4) return undefined
  let number = 0
  for (const part of parts) {
    const byte = Number(part)
    if (!/^\d{1,3}$/.test(part) || byte > 255) return undefined
    number = (number << 8) | byte
  }
  return number
}
