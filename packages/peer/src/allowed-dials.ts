/**
 * Interface rules for dialling. The machine's routing sends a connection by whatever interface leads there; where only some are
 * allowed, an address outside their subnets (a record or a hint may carry any) is not dialled at all.
 */
import { formatAddress, inSubnet, type NetworkInterface, type NetworkProtocol, TransportError } from '@pc/transport'

/** The same protocol, which connects only to addresses in a subnet of one of the `interfaces`, asked at each dial. */
export function dialOnlyThrough(
  protocol: NetworkProtocol,
  interfaces: () => readonly NetworkInterface[],
): NetworkProtocol {
  return {
    name: protocol.name,
    listen: (address, onStream, options) => protocol.listen(address, onStream, options),
    bind: (options, onDatagram) => protocol.bind(options, onDatagram),
    connect: async (address, options) => {
      const allowed = interfaces()
      if (allowed.some((one) => inSubnet(address.host, one))) return protocol.connect(address, options)
      const names = [...new Set(allowed.map(({ name }) => name))].join(', ') || 'none'
      throw new TransportError(
        'UNREACHABLE',
        `Did not dial ${formatAddress(address)}: it lies in the subnet of no allowed interface (${names}).`,
      )
    },
  }
}
