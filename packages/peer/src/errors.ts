import type { Selectable } from './view.js'

/** Append-only: programs match on these. */
export type PeerErrorCode =
  | 'BAD_OPTIONS'
  | 'NO_INTERFACE'
  | 'START_FAILED'
  | 'CLOSED'
  | 'PEER_NOT_FOUND'
  | 'PEER_AMBIGUOUS'
  | 'DHT_OFF'
  | 'GOSSIP_OFF'

export interface PeerErrorFields {
  /** PEER_AMBIGUOUS: who fits; PEER_NOT_FOUND: who comes near, or is there at all. At most ten. */
  readonly candidates?: readonly Selectable[]
  /** START_FAILED: the phase that failed. */
  readonly phase?: string
  readonly cause?: unknown
}

/** Everything that `@pc/peer` itself refuses; errors of the packages below pass through unchanged. */
export class PeerError extends Error {
  override readonly name = 'PeerError'
  readonly code: PeerErrorCode
  readonly candidates: readonly Selectable[]
  readonly phase: string | undefined

  constructor(code: PeerErrorCode, message: string, fields: PeerErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause })
    this.code = code
    this.candidates = fields.candidates ?? []
    this.phase = fields.phase
  }
}
