import { describe, expect, it } from 'vitest'
import { identityOf } from '../../test/_util/doors.js'
import { ReplyCache } from './reply-cache.js'

const [anna, ben] = [identityOf(1).id, identityOf(2).id]
const REPLY = Uint8Array.of(1, 2, 3)
const NOW = 1_000

function serve(cache: ReplyCache, key: number, now = NOW): void {
  cache.begin(anna, key, now)
  cache.end(anna, key, REPLY)
}

describe('ReplyCache', () => {
  it('knows a request from its beginning, and its reply from its end', () => {
    const cache = new ReplyCache()
    expect(cache.begin(anna, 7, NOW)).toBeUndefined()
    expect(cache.begin(anna, 7, NOW)).toEqual({ reply: undefined })
    cache.end(anna, 7, REPLY)
    expect(cache.begin(anna, 7, NOW)).toEqual({ reply: REPLY })
  })

  it('keeps peers apart, and knows one by its id, whichever object that is', () => {
    const cache = new ReplyCache()
    cache.begin(anna, 7, NOW)
    expect(cache.begin(ben, 7, NOW)).toBeUndefined()
    expect(cache.begin(identityOf(1).id, 7, NOW)).toEqual({ reply: undefined })
  })

  it('remembers 4,096 requests at least, and 8,192 at most', () => {
    const cache = new ReplyCache()
    for (let key = 0; key < 8_192; key++) serve(cache, key)
    const known = Array.from({ length: 8_192 }, (_, key) => key).filter((key) => {
      // Asking would remember what is not known: so only what must be known is asked first.
      return key >= 4_096 && cache.begin(anna, key, NOW) !== undefined
    })
    expect(known).toHaveLength(4_096)
    expect(cache.begin(anna, 0, NOW)).toBeUndefined()
  })

  it('remembers 2 MiB of replies at least', () => {
    const cache = new ReplyCache()
    const large = new Uint8Array(1_024)
    for (let key = 0; key < 4_096; key++) {
      cache.begin(anna, key, NOW)
      cache.end(anna, key, large)
    }
    expect(cache.begin(anna, 2_047, NOW)).toBeUndefined()
    expect(cache.begin(anna, 2_048, NOW)).toEqual({ reply: large })
  })

  it('does not forget a reply whose request began in the generation before', () => {
    const cache = new ReplyCache()
    cache.begin(anna, 1, NOW)
    for (let key = 2; key < 4_100; key++) cache.begin(anna, key, NOW)
    cache.end(anna, 1, REPLY)
    expect(cache.begin(anna, 1, NOW)).toEqual({ reply: REPLY })
  })

  it('forgets what was answered more than a minute ago, so that nothing is left of a busy day', () => {
    const cache = new ReplyCache()
    serve(cache, 1, 0)
    serve(cache, 2, 29_999)
    expect(cache.begin(anna, 1, 29_999)).toEqual({ reply: REPLY })
    serve(cache, 3, 30_000)
    expect(cache.begin(anna, 1, 59_999)).toEqual({ reply: REPLY })
    serve(cache, 4, 60_000)
    expect(cache.begin(anna, 1, 60_000)).toBeUndefined()
    expect(cache.begin(anna, 3, 60_000)).toEqual({ reply: REPLY })
  })

  it('forgets nothing that is being served, however long that takes', () => {
    const cache = new ReplyCache()
    cache.begin(anna, 1, 0)
    for (let now = 30_000; now <= 600_000; now += 30_000) serve(cache, now, now)
    expect(cache.begin(anna, 1, 600_000)).toEqual({ reply: undefined })
    cache.end(anna, 1, REPLY)
    expect(cache.begin(anna, 1, 600_000)).toEqual({ reply: REPLY })
    for (const now of [630_000, 660_000, 690_000]) serve(cache, now, now)
    expect(cache.begin(anna, 1, 690_000)).toBeUndefined()
  })
})
