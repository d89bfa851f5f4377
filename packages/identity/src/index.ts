export type { TlsCredentials } from './certificate.js'
export { createCertificate, peerIdOfCertificate } from './certificate.js'
export type { IdentityErrorCode } from './errors.js'
export { IdentityError } from './errors.js'
export type { IdMask, IdMaskOptions } from './id-mask.js'
export { createIdMask } from './id-mask.js'
export type { Identity } from './identity.js'
export { createIdentity, verifySignature } from './identity.js'
export type { KeyExchange, KeyExchangeOptions, PendingExchange, ReceivedExchange } from './key-exchange.js'
export { createKeyExchange } from './key-exchange.js'
export { openIdentity } from './key-file.js'
export type { Network, NetworkOptions } from './network.js'
export { openNetwork } from './network.js'
export type { PeerAddress } from './peer-address.js'
export { bytesOfHost, unicastHost } from './peer-address.js'
export { PEER_ID_BYTES, PeerId, parseShortId } from './peer-id.js'
export type { PeerRecord, SignedPeerRecord } from './peer-record.js'
export { isPeerName, MAX_RECORD_BYTES, nextSequence, readPeerRecord, signPeerRecord } from './peer-record.js'
export { makePrivateFolder } from './private-folder.js'
export type { DatagramSession, OpenFailure, SessionKeys } from './sealed-session.js'
export { MAX_SEALED_PLAINTEXT, SESSION_OVERHEAD, SealedSession, sessionIndexOf } from './sealed-session.js'
export type { SessionPacket, SessionPacketFault } from './session-packets.js'
export {
  COOKIE_BYTES,
  MAX_EARLY_BYTES,
  packSessionPacket,
  REQUEST_NONCE_BYTES,
  readSessionPacket,
  receiverIndexOf,
  SEAL_NONCE_BYTES,
  SessionPacketType,
  sessionPacketTypeOf,
} from './session-packets.js'
