/** What the peer's packages throw, in the words of the local protocol. */
import { ControlError, type ControlErrorCode } from '@pc/control'
import { GossipError } from '@pc/gossip'
import { KademliaError } from '@pc/kademlia'
import { MessagingError } from '@pc/messaging'
import { MembershipError, PeerError } from '@pc/peer'
import { WireError } from '@pc/wire'

/** Everything that is not listed is REQUEST_FAILED with the original code in the details. */
const CODES: Readonly<Record<string, ControlErrorCode>> = {
  PEER_OFFLINE: 'PEER_OFFLINE',
  CONNECTION_LOST: 'PEER_OFFLINE',
  SHUTTING_DOWN: 'PEER_OFFLINE',
  NOT_ACKNOWLEDGED: 'TIMEOUT',
  DEADLINE: 'TIMEOUT',
  DENIED: 'DENIED',
  BUSY: 'BUSY',
  OUTBOX_FULL: 'BUSY',
  SELF: 'BAD_ARGUMENTS',
  BAD_ARGUMENT: 'BAD_ARGUMENTS',
  BAD_PAYLOAD: 'BAD_ARGUMENTS',
  TOO_LARGE: 'BAD_ARGUMENTS',
  NO_ANSWER: 'PEER_OFFLINE',
  CLOSED: 'CANCELLED',
  // Of the directory.
  NOT_FOUND: 'NOT_FOUND',
  CONFLICT: 'CONFLICT',
  BAD_RECORD: 'BAD_ARGUMENTS',
  BAD_OPTIONS: 'BAD_ARGUMENTS',
  NO_CONTACTS: 'PEER_OFFLINE',
  // Of gossip.
  BAD_RUMOR: 'BAD_ARGUMENTS',
  BAD_OPTION: 'BAD_ARGUMENTS',
  RATE_LIMITED: 'BUSY',
}

/** Runs `action`; errors that a client can do something about become ControlErrors, others stay faults. */
export async function explained<T>(action: () => Promise<T> | T): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw controlErrorOf(error)
  }
}

function controlErrorOf(error: unknown): unknown {
  if (error instanceof PeerError && (error.code === 'PEER_NOT_FOUND' || error.code === 'PEER_AMBIGUOUS')) {
    const candidates = error.candidates.map(({ label, shortId, state }) => ({ label, shortId, state }))
    return new ControlError(error.code, error.message, { cause: error, details: { candidates } })
  }
  if (error instanceof MessagingError) {
    const code = CODES[error.code] ?? 'REQUEST_FAILED'
    return new ControlError(code, error.message, {
      cause: error,
      details: { reason: error.code, remote: error.remote },
    })
  }
  const isOfProtocol =
    error instanceof MembershipError || error instanceof KademliaError || error instanceof GossipError
  if (isOfProtocol || (error instanceof PeerError && error.code === 'BAD_OPTIONS')) {
    const code = CODES[error.code] ?? 'REQUEST_FAILED'
    return new ControlError(code, error.message, { cause: error, details: { reason: error.code } })
  }
  if (error instanceof WireError) {
    return new ControlError('BAD_ARGUMENTS', `this cannot be stored: ${error.message}`, { cause: error })
  }
  return error
}
