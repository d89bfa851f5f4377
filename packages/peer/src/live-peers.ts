/** Who is live and proved, for gossip: what membership says. */
import { DispatchError } from '@pc/dispatch'
import type { PeerInView, PeersView } from '@pc/gossip'
import type { PeerId } from '@pc/identity'
import type { Membership } from '@pc/membership'
import type { Logger, PeerBook } from '@pc/transport'

export interface LivePeersOptions {
  readonly membership: Pick<Membership, 'events' | 'members' | 'isOnline'>
  readonly book: Pick<PeerBook, 'get'>
  readonly logger: Logger
}

type OnChange = Parameters<PeersView['watch']>[0]

export class LivePeers implements PeersView {
  readonly #options: LivePeersOptions

  constructor(options: LivePeersOptions) {
    this.#options = options
  }

  *live(): Iterable<PeerInView> {
    const { membership } = this.#options
    for (const { peer } of membership.members()) if (membership.isOnline(peer)) yield this.#inView(peer)
  }

  watch(onChange: OnChange): () => void {
    const abort = new AbortController()
    void this.#follow(onChange, abort.signal)
    return () => abort.abort()
  }

  /** Until membership closes, or nobody watches any more. */
  async #follow(onChange: OnChange, signal: AbortSignal): Promise<void> {
    const { membership, logger } = this.#options
    const up = new Map<string, PeerId>()
    const tell = (peer: PeerId): void => {
      const isOnline = membership.isOnline(peer)
      if (isOnline) up.set(peer.toString(), peer)
      else up.delete(peer.toString())
      onChange(isOnline ? { type: 'up', ...this.#inView(peer) } : { type: 'down', peer })
    }
    for (const { peer } of this.live()) up.set(peer.toString(), peer)
    for (;;) {
      try {
        for await (const { peer } of membership.events({ signal })) tell(peer)
        return
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof DispatchError && error.code === 'FEED_OVERFLOW')) {
          logger.warn({ err: error }, 'gossip hears of peers no more')
          return
        }
        // Too many changes at once to be told one by one: look at everybody, those who went unheard of too.
        for (const peer of [...up.values()]) tell(peer)
        for (const { peer } of membership.members()) tell(peer)
      }
    }
  }

  #inView(peer: PeerId): PeerInView {
    const roundTripMs = this.#options.book.get(peer)?.roundTripMs
    return roundTripMs === undefined ? { peer } : { peer, roundTripMs }
  }
}
