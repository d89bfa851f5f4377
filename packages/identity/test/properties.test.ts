import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createIdentity,
  IdentityError,
  type PeerAddress,
  PeerId,
  parseShortId,
  readPeerRecord,
  signPeerRecord,
} from '../src/index.js'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })
const ids = seeds.map((seed) => createIdentity(seed).id)
const identity = createIdentity(new Uint8Array(32).fill(1))

describe('text forms', () => {
  test('an id survives its text form in every accepted writing', () => {
    const dashes = fc.array(fc.nat(60), { maxLength: 20 })
    fc.assert(
      fc.property(ids, dashes, fc.boolean(), fc.boolean(), (id, places, upper, aliases) => {
        let text = id.toString()
        if (aliases) text = text.replaceAll('0', 'o').replaceAll('1', 'l')
        for (const place of places) text = `${text.slice(0, place)}-${text.slice(place)}`
        if (upper) text = text.toUpperCase()
        expect(PeerId.parse(text).equals(id)).toBe(true)
        expect(parseShortId(id.short)).toBe(id.toString().slice(0, 7))
      }),
      { numRuns: 100 },
    )
  })

  test('every single wrong character is noticed', () => {
    fc.assert(
      fc.property(ids, (id) => {
        for (const [text, accepted] of forms(id)) {
          for (let place = 0; place < text.length; place++) {
            for (const character of ALPHABET) {
              if (character === text[place]) continue
              const typo = text.slice(0, place) + character + text.slice(place + 1)
              if (accepted(typo)) throw new Error(`accepted ${typo} for ${text}`)
            }
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  test('every swap of neighbours is noticed, except 0 with z', () => {
    fc.assert(
      fc.property(ids, (id) => {
        for (const [text, accepted] of forms(id)) {
          for (let place = 0; place + 1 < text.length; place++) {
            const pair = text.slice(place, place + 2)
            if (pair[0] === pair[1] || pair === '0z' || pair === 'z0') continue
            const typo = `${text.slice(0, place)}${pair[1]}${pair[0]}${text.slice(place + 2)}`
            if (accepted(typo)) throw new Error(`accepted ${typo} for ${text}`)
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  test('any text at all is an id or a BAD_PEER_ID', () => {
    const texts = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 53, maxLength: 53 }))
    fc.assert(
      fc.property(texts, (text) => {
        onlyIdentityError(() => expect(PeerId.parse(text).toString()).toBe(text), 'BAD_PEER_ID')
      }),
    )
  })
})

describe('bytes of strangers', () => {
  test('32 bytes are an id that writes the same bytes, or a BAD_PEER_ID', () => {
    fc.assert(
      fc.property(seeds, (bytes) => {
        onlyIdentityError(() => expect(PeerId.fromBytes(bytes).bytes).toEqual(bytes), 'BAD_PEER_ID')
      }),
    )
  })

  test('random bytes are never a record, and nothing but a BAD_RECORD comes out', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 400 }), envelopes())
    fc.assert(
      fc.property(bytes, (input) => {
        expect(() => readPeerRecord(input)).toThrow(
          expect.objectContaining({ name: 'IdentityError', code: 'BAD_RECORD' }),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  test('a signed payload of any bytes is a record or a BAD_RECORD', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
        const signature = identity.sign('pc-peer-record', payload)
        const envelope = Buffer.concat([
          Uint8Array.of(0x92, 0xc4, payload.length),
          payload,
          Uint8Array.of(0xc4, 64),
          signature,
        ])
        onlyIdentityError(() => readPeerRecord(envelope), 'BAD_RECORD')
      }),
    )
  })
})

describe('records', () => {
  const addresses: fc.Arbitrary<PeerAddress> = fc.record({
    host: fc.oneof(
      fc.ipV4().filter((host) => !/^(0|22[4-9]|2[345]\d)\./.test(host)),
      fc.ipV6().filter((host) => !/^(ff..:|[0:]*(:ffff)?:[^:]*\.|[0:]*$|[0:]*:ffff:[^:]*:[^:]*$)/i.test(host)),
    ),
    port: fc.integer({ min: 1, max: 65_535 }),
  })
  const records = fc.record({
    sequence: fc.maxSafeNat(),
    name: fc.string({ unit: fc.constantFrom('a', 'B', '7', '-', 'é', '語', '🖨'), minLength: 1, maxLength: 16 }),
    addresses: fc.uniqueArray(addresses, {
      maxLength: 3,
      selector: ({ host, port }) => `${new URL(`http://${host.includes(':') ? `[${host}]` : host}`).host} ${port}`,
    }),
    capabilities: fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', '/', '~', '!'), minLength: 1, maxLength: 8 }), {
      maxLength: 4,
    }),
  })

  test('what is signed is read back, by any peer', () => {
    fc.assert(
      fc.property(seeds, records, (seed, fields) => {
        const signer = createIdentity(seed)
        const signed = signPeerRecord(signer, fields)
        expect(readPeerRecord(signed.bytes)).toEqual(signed)
        expect(signed).toMatchObject({
          sequence: fields.sequence,
          name: fields.name,
          capabilities: fields.capabilities,
        })
        expect(signed.id.equals(signer.id)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test('every flipped bit, missing end and added byte is refused', () => {
    fc.assert(
      fc.property(records, (fields) => {
        const { bytes } = signPeerRecord(identity, fields)
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const flipped = Uint8Array.from(bytes)
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
          refused(flipped, `bit ${bit}`)
        }
        for (let length = 0; length < bytes.length; length++) refused(bytes.subarray(0, length), `length ${length}`)
        refused(Uint8Array.of(...bytes, 0), 'a byte too many')
      }),
      { numRuns: 3 },
    )
  })

  function refused(bytes: Uint8Array, what: string): void {
    let accepted = false
    onlyIdentityError(() => {
      readPeerRecord(bytes)
      accepted = true
    }, 'BAD_RECORD')
    if (accepted) throw new Error(`accepted with ${what}`)
  }
})

/** Both writings of an id, each with its reader. */
function forms(id: PeerId): [string, (text: string) => boolean][] {
  const parses = (text: string) => onlyIdentityError(() => PeerId.parse(text), 'BAD_PEER_ID')
  return [
    [id.toString(), parses],
    [id.short, (text) => parseShortId(text) !== undefined],
  ]
}

/** True if it ran through, false if it threw that `IdentityError`; everything else fails the test. */
function onlyIdentityError(run: () => unknown, code: string): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof IdentityError && error.code === code) return false
    throw error
  }
}

/** Bytes in the outer shape of a record, with anything inside. */
function envelopes(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.uint8Array({ maxLength: 220 }), fc.uint8Array({ minLength: 64, maxLength: 64 }))
    .map(([payload, signature]) =>
      Uint8Array.of(0x92, 0xc4, payload.length, ...payload, 0xc4, signature.length, ...signature),
    )
}
