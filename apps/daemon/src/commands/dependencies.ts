import type { Peer } from '@pc/peer'

/** What commands act on. */
export interface CommandDependencies {
  /** Resolves when the peer has started; commands that come earlier wait for it. */
  readonly peer: Promise<Peer>
  readonly stop: AbortController
  /** Unix milliseconds. */
  readonly startedAt: number
}
