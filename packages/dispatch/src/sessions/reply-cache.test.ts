import { describe, expect, it } from 'vitest'
import { identityOf } from '../../test/_util/doors.js'
import { ReplyCache } from './reply-cache.js'

const [anna, ben] = [identityOf(1).id, identityOf(2).id]
const REPLY = Uint8Array.of(1, 2, 3)

describe('ReplyCache', () => {
  it('knows a request from its beginning, and its reply from its end', () => {
    const cache = new ReplyCache()
    expect(cache.begin(anna, 7)).toBeUndefined()
    expect(cache.begin(anna, 7)).toEqual({ reply: undefined })
    cache.end(anna, 7, REPLY)
    expect(cache.begin(anna, 7)).toEqual({ reply: REPLY })
  })

  it('keeps peers apart, and knows one by its id, whichever object that is', () => {
    const cache = new ReplyCache()
    cache.begin(anna, 7)
    expect(cache.begin(ben, 7)).toBeUndefined()
    expect(cache.begin(identityOf(1).id, 7)).toEqual({ reply: undefined })
  })

  it('remembers 4,096 requests at least, and 8,192 at most', () => {
    const cache = new ReplyCache()
    for (let key = 0; key < 8_192; key++) cache.begin(anna, key)
    const known = Array.from({ length: 8_192 }, (_, key) => key).filter((key) => {
      // Asking would remember what is not known: so only what must be known is asked first.
      return key >= 4_096 && cache.begin(anna, key) !== undefined
    })
    expect(known).toHaveLength(4_096)
    expect(cache.begin(anna, 0)).toBeUndefined()
  })

  it('remembers 2 MiB of replies at least', () => {
    const cache = new ReplyCache()
    const large = new Uint8Array(1_024)
    for (let key = 0; key < 4_096; key++) {
      cache.begin(anna, key)
      cache.end(anna, key, large)
    }
    expect(cache.begin(anna, 2_047)).toBeUndefined()
    expect(cache.begin(anna, 2_048)).toEqual({ reply: large })
  })

  it('does not forget a reply whose request began in the generation before', () => {
    const cache = new ReplyCache()
    cache.begin(anna, 1)
    for (let key = 2; key < 4_100; key++) cache.begin(anna, key)
    cache.end(anna, 1, REPLY)
    expect(cache.begin(anna, 1)).toEqual({ reply: REPLY })
  })
})
