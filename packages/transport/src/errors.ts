import type { PeerAddress as Address } from '@pc/identity'

/**
 * Everything that can go wrong in this package. Codes are stable: programs may compare them. The list is append-only.
 * The value says whether trying the same thing again later can help.
 */
const RETRYABLE = {
  /** Not an IP literal with a port, or a link-local one to dial that has no scope. */
  ADDRESS_INVALID: false,
  /** Somebody else listens on that port. */
  ADDRESS_IN_USE: false,
  /** This machine does not have that address, or the interface is gone. */
  ADDRESS_NOT_AVAILABLE: true,
  /** The operating system forbids it (ports below 1024, a local firewall). */
  PERMISSION_DENIED: false,
  /** Nobody listens there now. */
  CONNECTION_REFUSED: true,
  /** The other side, or something between, cut the stream; at once, if its gate did not let it in. */
  CONNECTION_RESET: true,
  /** No route to that host or network. */
  UNREACHABLE: true,
  /** No TCP connection within the time allowed. */
  CONNECT_TIMEOUT: true,
  /** The stream stands, but the TLS handshake did not end in time. */
  HANDSHAKE_TIMEOUT: true,
  /** The TLS handshake was broken off: not TLS 1.3, not our ALPN, closed in the middle. */
  HANDSHAKE_FAILED: true,
  /** The certificate does not prove an Ed25519 key in the one way that is accepted. */
  BAD_CERTIFICATE: false,
  /** The proved key belongs to somebody else. */
  WRONG_PEER: false,
  /** The proved key is our own: that address leads back here. */
  SELF_DIALLED: false,
  /** Every address was tried, and none led to the peer; `attempts` says why. */
  ALL_ATTEMPTS_FAILED: true,
  /** There is no address to try. */
  NO_ADDRESS: true,
  /** More bytes than a datagram may have. */
  DATAGRAM_TOO_LARGE: false,
  /** The machine cannot take more datagrams at the moment; this one is lost. */
  DATAGRAM_DROPPED: true,
  /** No port of the list is free for TCP and UDP on every host; `cause` tells about the last one. */
  NO_FREE_PORT: true,
  /** An interface rule is not a name or a prefix ending in `*`. */
  INTERFACE_RULE_INVALID: false,
  /** The socket was closed before. */
  SOCKET_CLOSED: false,
  /** An error of the operating system without a code of its own here; see `cause`. */
  SYSTEM: false,
  /** The connection ended before this could be done over it. */
  CONNECTION_CLOSED: true,
  /** More than 1 MiB waits to be sent over this connection: the other side reads too slowly. */
  SEND_QUEUE_FULL: true,
  /** The frame is larger than this kind of connection carries. */
  TOO_LARGE: false,
  /** Bytes or frames that no correct peer sends. */
  PROTOCOL_ERROR: false,
  /** HELLO has another shape than it must have, or its record is not that of the proved peer. */
  BAD_HELLO: false,
  /** The other side did not say HELLO in time. */
  HELLO_TIMEOUT: true,
  /** The peer belongs to another network. */
  OTHER_NETWORK: false,
  /** There is no protocol version that both sides speak. */
  VERSION_MISMATCH: false,
  /** The peer said GOAWAY instead of HELLO; the message tells its reason. */
  REFUSED: true,
  /** No answer to a ping in time. */
  PING_TIMEOUT: true,
  /** No connection to that peer could be made; see `cause`. */
  PEER_UNREACHABLE: true,
  /** A limit of this side is reached, or one of the machine (descriptors); the message tells which. */
  RESOURCE_BUSY: true,
  /** The connector was closed. */
  CLOSED: false,
  /** A broadcast address, and the socket was not opened with `broadcast`. */
  BROADCAST_NOT_ALLOWED: false,
  /** A group was to be joined on a socket that is bound to one address: most systems deliver no multicast there. */
  GROUP_NOT_HEARD: false,
  /** The other side did not prove that it knows the secret of this network, before any byte of TLS. */
  NOT_ADMITTED: false,
  /** The other side took nothing that waited for it, or finished no frame that it had begun, for 10 s. */
  TOO_SLOW: true,
  /** An option is not what it has to be. */
  INVALID_ARGUMENT: false,
  /** This implementation of the seam, or this listener, cannot do that. */
  NOT_SUPPORTED: false,
} as const

/** Stable name of a failure of this package. */
export type TransportErrorCode = keyof typeof RETRYABLE

/** One address that was tried in vain, and why it failed the last time. */
export interface FailedAttempt {
  readonly address: Address
  readonly error: Error
}

export interface TransportErrorOptions {
  readonly cause?: unknown
  /** The address that the failed operation was about. */
  readonly address?: Address | undefined
  /** For ALL_ATTEMPTS_FAILED: each address with its last failure. */
  readonly attempts?: readonly FailedAttempt[]
  /** For RESOURCE_BUSY, where it can be told: when another try is likely to succeed, in ms from now. */
  readonly retryAfterMs?: number | undefined
}

/** The one error class of this package. */
export class TransportError extends Error {
  override name = 'TransportError'
  readonly code: TransportErrorCode
  /** Whether the same call can succeed later without anybody changing it. */
  readonly retryable: boolean
  readonly address: Address | undefined
  readonly attempts: readonly FailedAttempt[]
  /** Of RESOURCE_BUSY: when another try is likely to succeed, in ms from the rejection; undefined where nobody can tell. */
  readonly retryAfterMs: number | undefined

  constructor(code: TransportErrorCode, message: string, options: TransportErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = RETRYABLE[code]
    this.address = options.address
    this.attempts = options.attempts ?? []
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The code of an error of any implementation of the seam, ours or not. */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Whether an error of any implementation of the seam says that trying again is no use; one that says nothing may be retried. */
export function isRetryable(error: unknown): boolean {
  return (error as { retryable?: unknown } | null | undefined)?.retryable !== false
}

const BY_ERRNO: Readonly<Record<string, TransportErrorCode>> = {
  EADDRINUSE: 'ADDRESS_IN_USE',
  EADDRNOTAVAIL: 'ADDRESS_NOT_AVAILABLE',
  ENODEV: 'ADDRESS_NOT_AVAILABLE',
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  ECONNREFUSED: 'CONNECTION_REFUSED',
  ECONNRESET: 'CONNECTION_RESET',
  EPIPE: 'CONNECTION_RESET',
  EHOSTUNREACH: 'UNREACHABLE',
  ENETUNREACH: 'UNREACHABLE',
  EHOSTDOWN: 'UNREACHABLE',
  ENETDOWN: 'UNREACHABLE',
  ETIMEDOUT: 'CONNECT_TIMEOUT',
  EMSGSIZE: 'DATAGRAM_TOO_LARGE',
  ENOBUFS: 'DATAGRAM_DROPPED',
  EAGAIN: 'DATAGRAM_DROPPED',
  ENOMEM: 'DATAGRAM_DROPPED',
  EMFILE: 'RESOURCE_BUSY',
  ENFILE: 'RESOURCE_BUSY',
  ECANCELED: 'SOCKET_CLOSED',
  ERR_SOCKET_DGRAM_NOT_RUNNING: 'SOCKET_CLOSED',
}

/** Wraps an error of a socket, keeping it as `cause`; an error that is already ours passes through. */
export function fromSystemError(error: unknown, doing: string, address?: Address): TransportError {
  if (error instanceof TransportError) return error
  const code = BY_ERRNO[errorCode(error) ?? '']
  const detail = error instanceof Error ? error.message : String(error)
  return new TransportError(code ?? 'SYSTEM', `Could not ${doing}: ${detail}.`, { cause: error, address })
}
