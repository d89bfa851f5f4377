/** News for everybody, and questions to everybody, for programs. Errors of `@pc/gossip` pass through with their codes. */
import type { Answerer, GossipMessage, PublishOptions, SearchHit, SearchOptions } from '@pc/gossip'
import { type PeerMatch, packQuery, readSearchAnswer, SEARCH_TOPIC } from './gossip-search.js'
import type { GossipService } from './gossip-service.js'

const DEFAULT_MATCHES = 50
/** Of a search, whether they fit or not. */
const MAX_ANSWERS = 1_000

export class PeerGossip {
  readonly #service: GossipService

  /** Made by `createPeer`. */
  constructor(service: GossipService) {
    this.#service = service
  }

  /** Number of this run, for `gossip.afterBoot` of the next one. */
  get boot(): number {
    return this.#service.boot
  }

  /**
   * Tells everybody, once: those who are here, and who comes or comes back while it is news (6 s unless told). A text is sent as UTF-8. Up to 900 bytes travel
   * with the news, up to 1 MiB are fetched by each peer. Own subscribers do not get it. Returns its id, 16 bytes; nobody says who got it.
   * @throws GossipError BAD_RUMOR (topic, length, ttlMs), RATE_LIMITED beyond 10 a second, CLOSED
   */
  publish(topic: string, body: string | Uint8Array, options: PublishOptions = {}): Uint8Array {
    return this.#service.gossip.publish(topic, bytesOf(body), options)
  }

  /**
   * News of others from this call on, of one topic or of all, each once, until `break`, the peer's end or `signal` (the iteration then rejects with its reason).
   * Everybody can publish on every topic: who it was is proved (`origin`). A reader that is 1,024 behind gets FEED_OVERFLOW.
   * @throws GossipError CLOSED, DispatchError TOO_MANY_SUBSCRIBERS
   */
  subscribe(
    options: { readonly topic?: string; readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<GossipMessage> {
    return this.#service.gossip.subscribe(options)
  }

  /**
   * Looks for other peers whose name contains, or one of whose capabilities begins with, each word of `text`, whatever their case. Gives out each as it
   * answers; `break`, the deadline (3 s unless told), `limit` peers that fit (50 unless told) and `signal` end it everywhere.
   *
   * Throws PeerError BAD_OPTIONS (no words, too many), GossipError BAD_OPTION, RATE_LIMITED, BUSY, CLOSED, or the signal's reason.
   */
  async *search(text: string, options: Omit<SearchOptions, 'topic'> = {}): AsyncGenerator<PeerMatch, void, undefined> {
    const { gossip, counters } = this.#service
    const { limit = DEFAULT_MATCHES } = options
    // Whoever answers anything to everything is not to take the place of who fits; a limit outside its range is refused as such.
    const most = limit >= 1 && limit <= MAX_ANSWERS && Number.isInteger(limit) ? MAX_ANSWERS : limit
    const hits = gossip.search(packQuery(text), { ...options, limit: most, topic: SEARCH_TOPIC })
    let left = limit
    for await (const { peer, answer } of hits) {
      const match = readSearchAnswer(text, peer, answer)
      if (match === undefined) {
        counters.badAnswers += 1
        continue
      }
      left -= 1
      // Over everywhere before the last is given out, whenever it is taken.
      if (left === 0) await hits.return()
      yield match
    }
  }

  /** A question of your own to everybody, of at most 900 bytes, under a topic that others answer with {@link PeerGossip.answer}. Otherwise as `search`. */
  ask(
    topic: string,
    query: string | Uint8Array,
    options: Omit<SearchOptions, 'topic'> = {},
  ): AsyncGenerator<SearchHit, void, undefined> {
    return this.#service.gossip.search(bytesOf(query), { ...options, topic })
  }

  /**
   * Answers questions of a topic, with at most 900 bytes or, when there is nothing to say, undefined. The returned function takes the answerer away.
   * @throws PeerError BAD_OPTIONS: the topic has one already (`search` always has), or 256 topics have
   */
  answer(topic: string, answerer: Answerer): () => void {
    return this.#service.answer(topic, answerer)
  }
}

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body
}
