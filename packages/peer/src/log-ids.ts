/** The logger that every part of a peer gets: with ids masked, unless somebody wants them in full. */
import { createIdMask, type PeerId } from '@pc/identity'
import {
  type Logger,
  type MaskedLoggerOptions,
  maskedLogger,
  type PeerBook,
  silentLogger,
  systemRandom,
} from '@pc/transport'
import type { PeerOptions } from './options.js'

const KEY_BYTES = 32

/** Whom texts in logs may speak of. */
export interface LoggedIds {
  readonly book: PeerBook
  /** Of this peer, once it is known. */
  own: PeerId | undefined
}

/**
 * As a peer with these options masks its log, for programs whose own lines go into the same one: with its `logKey` a peer has one
 * mask in both.
 */
export function peerLogger(
  options: Pick<PeerOptions, 'logger' | 'logIds' | 'logKey' | 'random'>,
  known: MaskedLoggerOptions['known'],
): Logger {
  const { logger = silentLogger, logIds = 'masked', random = systemRandom } = options
  if (logIds === 'full' || logger === silentLogger) return logger
  // A new key for each start, so that two logs cannot be compared, unless there is one in the options.
  return maskedLogger(logger, createIdMask({ key: options.logKey ?? random.bytes(KEY_BYTES) }), { known })
}

/** For {@link peerLogger}. */
export function knownIn(ids: LoggedIds): MaskedLoggerOptions['known'] {
  return (prefix) => {
    if (ids.own?.toString().startsWith(prefix)) return ids.own
    for (const { id } of ids.book.entries()) if (id.toString().startsWith(prefix)) return id
    return undefined
  }
}
