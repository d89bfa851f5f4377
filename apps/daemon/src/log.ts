/** The one place that makes a logger; packages take it injected. Logs go to stderr, as JSON lines. */
import { randomBytes } from 'node:crypto'
import { type Peer, type PeerOptions, peerLogger } from '@pc/peer'
import type { Logger } from '@pc/transport'
import { destination, pino } from 'pino'
import type { LogIds, LogLevel } from './config.js'

/** Where the lines of this process go; ids in them are masked with one key, whoever writes them, unless they are to be shown in full. */
export interface DaemonLog {
  /** For the daemon's own lines. */
  readonly own: Logger
  /** For the peer, which masks by itself. */
  readonly ofPeer: Required<Pick<PeerOptions, 'logger' | 'logIds' | 'logKey'>>
  /** Texts of the daemon's own lines may speak of the peers that this one knows. */
  know(peer: Peer): void
}

export function createLogger(level: LogLevel): Logger {
  // Synchronous: the lines before a crash are the ones that matter.
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination({ fd: 2, sync: true }))
}

export function openLog(logger: Logger, logIds: LogIds): DaemonLog {
  const ofPeer = { logger, logIds, logKey: randomBytes(32) }
  let source: Peer | undefined
  const own = peerLogger(ofPeer, (prefix) => {
    if (source?.id.toString().startsWith(prefix)) return source.id
    return source?.peers().find(({ id }) => id.startsWith(prefix))?.peerId
  })
  const know = (peer: Peer): void => {
    source = peer
  }
  return { own, ofPeer, know }
}
