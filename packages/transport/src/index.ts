export type { AcceptorCounters, AcceptorOptions } from './acceptor.js'
export { Acceptor } from './acceptor.js'
export type { Address } from './address.js'
export { formatAddress, parseAddress, sameAddress } from './address.js'
export type { AddressLimiterOptions } from './address-limiter.js'
export { AddressLimiter } from './address-limiter.js'
export { BulkLease } from './bulk-lease.js'
export type { CloseCode, CloseReason } from './close-code.js'
export { CLOSE_CODES } from './close-code.js'
export type { ConnectToPeerOptions } from './connect-to-peer.js'
export { connectToPeer } from './connect-to-peer.js'
export type { ConnectionOptions, OutgoingMessage } from './connection.js'
export { Connection } from './connection.js'
export type { ConnectorEvents, ConnectorOptions } from './connector.js'
export { Connector } from './connector.js'
export type { ControlConnection } from './control-connection.js'
export type { FailedAttempt, TransportErrorCode, TransportErrorOptions } from './errors.js'
export { TransportError } from './errors.js'
export { goAway } from './greeting.js'
export type { InterfaceRules, NetworkInterface } from './interfaces.js'
export { parseInterfaceRules, scopedHost, usableInterfaces } from './interfaces.js'
export type { ConnectionLimits } from './limits.js'
export { DEFAULT_LIMITS } from './limits.js'
export type { MaskedLoggerOptions } from './masked-logger.js'
export { maskedLogger } from './masked-logger.js'
export { MemoryNetwork } from './memory-network.js'
export type { Meter } from './meter.js'
export type {
  BindOptions,
  ConnectOptions,
  DatagramHandler,
  DatagramSocket,
  ListenOptions,
  NetworkProtocol,
  SecureStream,
  StreamHandler,
  StreamListener,
} from './network-protocol.js'
export type { PeerBookEntry } from './peer-book.js'
export { PeerBook } from './peer-book.js'
export type { PlainTcpProtocol } from './plain-tcp-protocol.js'
export { plainTcpProtocol } from './plain-tcp-protocol.js'
export type { Clock, Logger, Random } from './ports.js'
export { silentLogger, systemClock, systemRandom } from './ports.js'
export type { SharedPort, SharedPortHandlers, SharedPortOptions } from './shared-port.js'
export { DISCOVERY_PORT, listenOnSharedPort, PEER_PORTS } from './shared-port.js'
export type { SubnetOf } from './subnet.js'
export { inSubnet, isLinkLocal } from './subnet.js'
export type { SystemProtocol, SystemProtocolOptions, TcpProtocolOptions } from './system-protocol.js'
export { systemProtocol } from './system-protocol.js'
