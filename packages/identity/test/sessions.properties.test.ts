import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createIdentity,
  createKeyExchange,
  type DatagramSession,
  type Network,
  openNetwork,
  packSessionPacket,
  readSessionPacket,
  SealedSession,
  type SessionPacket,
  sessionPacketTypeOf,
} from '../src/index.js'
import { initiate, respond } from '../src/noise.js'
import { MAX_COUNTER, ReplayWindow, WINDOW } from '../src/replay-window.js'
import { exchangeKeyPair, exchangeKeysOf } from '../src/x25519.js'
import {
  ANNA,
  ANNAS_INDEX,
  BEN,
  BENS_INDEX,
  exchangeOf,
  flipped,
  keyOf,
  NOTHING,
  OFFICE,
  pairOf,
  present,
  SMALL_ORDER_KEYS,
  sealedDatagram,
} from './_util/sessions.js'
import { toHex } from './_util/vectors.js'

const SECRET = openNetwork('office', { secret: 'only members know this' })
/** Thousands of cases take a while on a machine that does something else beside. */
const PATIENT = { timeout: 60_000 }
const plaintexts = fc.uint8Array({ maxLength: 100 })
const rootCodes = fc.constantFrom(0, 1, 2, 3, 4, 0x80, 0xff)
const indexes = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 })
const keys = { send: keyOf(1), receive: keyOf(2) }
const session = () => new SealedSession(BEN.id, 1, keys)
const incoming = (counter: number, plaintext: Uint8Array = NOTHING) =>
  sealedDatagram(keys.receive, { index: 7, counter: BigInt(counter) }, plaintext)

describe('a sealed datagram', PATIENT, () => {
  test('with any bit changed, cut off or longer is refused, and then the genuine one opens', () => {
    fc.assert(
      fc.property(plaintexts, rootCodes, fc.nat(3), (plaintext, rootCode, before) => {
        const { anna, ben } = pairOf()
        for (let count = 0; count < before; count++) ben.open(anna.seal(rootCode, NOTHING))
        const datagram = anna.seal(rootCode, plaintext)
        for (let bit = 0; bit < datagram.length * 8; bit++) refused(ben, flipped(datagram, bit), `bit ${bit}`)
        for (let length = 0; length < datagram.length; length++) {
          refused(ben, datagram.subarray(0, length), `length ${length}`)
        }
        refused(ben, Buffer.concat([datagram, NOTHING, Uint8Array.of(0)]), 'a byte too many')
        expect(ben.open(datagram)).toEqual(Buffer.from(plaintext))
      }),
      { numRuns: 25 },
    )
  })

  test('opens once, whatever the order', () => {
    const orders = fc.shuffledSubarray(Array.from({ length: 64 }, (_, counter) => counter))
    fc.assert(
      fc.property(orders, (order) => {
        const { anna, ben } = pairOf()
        const sent = Array.from({ length: 64 }, (_, counter) => anna.seal(4, Uint8Array.of(counter)))
        for (const counter of order) expect(ben.open(present(sent[counter]))).toEqual(Buffer.of(counter))
        for (const counter of order) expect(ben.open(present(sent[counter]))).toBe('replay')
      }),
      { numRuns: 25 },
    )
  })

  test('opens if a list of all counters seen says so, forged ones in between', () => {
    const steps = fc.array(fc.tuple(leaps(), fc.boolean()), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(steps, (leapsAndForgeries) => {
        const opening = session()
        const model = new NaiveWindow()
        for (const [leap, forged] of leapsAndForgeries) {
          const counter = model.highest + leap
          if (counter < 0 || counter > MAX_COUNTER) continue
          const datagram = incoming(counter)
          const expected = model.fresh(counter)
          if (forged) expect(opening.open(flipped(datagram, 130))).toBe(expected ? 'seal' : 'replay')
          expect(opening.open(datagram)).toEqual(expected ? Buffer.alloc(0) : 'replay')
          model.add(counter)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('with a counter over 32 bits is refused, though it is sealed with the right key', () => {
    const beyond = fc.bigInt({ min: 2n ** 32n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(beyond, plaintexts, (counter, plaintext) => {
        const opening = session()
        const datagram = sealedDatagram(keys.receive, { counter }, plaintext)
        expect(opening.open(datagram)).toBe('replay')
        const low = sealedDatagram(keys.receive, { counter: counter & 0xffff_ffffn }, plaintext)
        expect(opening.open(low)).toEqual(Buffer.from(plaintext))
      }),
      { numRuns: 500 },
    )
  })

  test('spliced from the parts of others is refused: two sessions, two directions, two counters', () => {
    const parts = fc.tuple(fc.nat(7), fc.nat(7), fc.nat(7)).filter(([a, b, c]) => a !== b || b !== c)
    fc.assert(
      fc.property(fc.array(parts, { minLength: 20, maxLength: 20 }), fc.boolean(), (splices, alike) => {
        const [one, two] = [pairOf(1), pairOf(100)]
        const text = (number: number) => Buffer.from(`datagram ${alike ? 0 : number}`)
        const sealing = [one.anna, one.ben, two.anna, two.ben]
        const sent = [...sealing, ...sealing].map((by, number) => by.seal(4, text(number)))
        for (const [head, body, tail] of splices) {
          const datagram = Buffer.concat([
            present(sent[head]).subarray(0, 14),
            present(sent[body]).subarray(14, -16),
            present(sent[tail]).subarray(-16),
          ])
          for (const opening of sealing) refused(opening, datagram, `parts ${head}, ${body}, ${tail}`)
        }
        for (const [number, opening] of [one.ben, one.anna, two.ben, two.anna].entries()) {
          for (const [other, datagram] of sent.entries()) {
            if (other % 4 !== number) refused(opening, datagram, `datagram ${other}`)
          }
          for (const own of [number + 4, number]) expect(opening.open(present(sent[own]))).toEqual(text(own))
        }
      }),
      { numRuns: 25 },
    )
  })
})

test('ReplayWindow agrees with a list of all counters seen', PATIENT, () => {
  fc.assert(
    fc.property(
      fc.array(leaps(), { minLength: 1, maxLength: 100 }),
      fc.constantFrom(0, 5_000, 2 ** 32 - 9),
      (all, start) => {
        const window = new ReplayWindow()
        const model = new NaiveWindow()
        for (const leap of [start + 1, ...all]) {
          const counter = model.highest + leap
          if (counter < 0) continue
          for (const near of [counter, counter - 1, model.highest - WINDOW + 1, model.highest - WINDOW]) {
            if (near >= 0 && window.fresh(near) !== model.fresh(near)) throw new Error(`not so for ${near}`)
          }
          if (!model.fresh(counter)) continue
          window.add(counter)
          model.add(counter)
        }
      },
    ),
    { numRuns: 3_000 },
  )
})

describe('an exchange', PATIENT, () => {
  test('gives both sides one session, for any identities, indexes and early data', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(secrets, { minLength: 4, maxLength: 4, selector: toHex }),
        indexes,
        indexes,
        plaintexts,
        fc.constantFrom(OFFICE, SECRET),
        ([seed1, seed2, secret1, secret2], index1, index2, early, network) => {
          const [one, two] = [createIdentity(seed1), createIdentity(seed2)]
          const initiator = createKeyExchange({ identity: one, network, random: () => present(secret1) })
          const responder = createKeyExchange({ identity: two, network, random: () => present(secret2) })
          const pending = present(initiator.initiate(two.id, early, index1))
          const received = present(responder.respond(pending.message, index1))
          const { message, session: theirs } = present(received.accept(index2))
          const ours = present(pending.finish(message))
          expect([toHex(received.early), received.remoteId.equals(one.id)]).toEqual([toHex(early), true])
          expect([ours.remoteIndex, theirs.remoteIndex]).toEqual([index2, index1])
          expect(theirs.open(ours.seal(4, early))).toEqual(Buffer.from(early))
          expect(ours.open(theirs.seal(4, early))).toEqual(Buffer.from(early))
        },
      ),
      { numRuns: 60 },
    )
  })

  test.each([
    ['an open network', OFFICE],
    ['a network with a secret', SECRET],
  ])(
    'of %s with any bit of a message changed, cut off or longer comes to nothing, and then the genuine one is good',
    (_name, network) => {
      const pending = present(exchangeOf(ANNA, network).initiate(BEN.id, Buffer.from('early'), ANNAS_INDEX))
      const ben = exchangeOf(BEN, network)
      everyChange(pending.message, (changed) => ben.respond(changed, ANNAS_INDEX))
      const accepted = present(present(ben.respond(pending.message, ANNAS_INDEX)).accept(BENS_INDEX))
      everyChange(accepted.message, (changed) => pending.finish(changed))
      const finished = present(pending.finish(accepted.message))
      expect(accepted.session.open(finished.seal(4, NOTHING))).toEqual(Buffer.alloc(0))
    },
  )

  test('with any bit of its index changed comes to nothing', () => {
    const pending = present(exchangeOf(ANNA).initiate(BEN.id, NOTHING, ANNAS_INDEX))
    for (let bit = 0; bit < 32; bit++) {
      expect(exchangeOf(BEN).respond(pending.message, (ANNAS_INDEX ^ (1 << bit)) >>> 0)).toBeUndefined()
    }
  })

  test('of a message with a small-order key in place of any part comes to nothing', () => {
    const pending = present(exchangeOf(ANNA).initiate(BEN.id, NOTHING, ANNAS_INDEX))
    const { message } = present(exchangeOf(BEN).respond(pending.message, ANNAS_INDEX)?.accept(BENS_INDEX))
    for (const key of SMALL_ORDER_KEYS) {
      for (const offset of [0, 32, 80]) {
        expect(exchangeOf(BEN).respond(withPart(pending.message, key, offset), ANNAS_INDEX)).toBeUndefined()
      }
      expect(pending.finish(withPart(message, key, 0))).toBeUndefined()
    }
  })

  test('never has keys that another one has, in either direction', () => {
    const seen = new Set<string>()
    const terms = { prologue: NOTHING, psk: OFFICE.psk }
    const [anna, ben] = [exchangeKeysOf(ANNA), exchangeKeysOf(BEN)]
    let next = 0
    const fresh = () => exchangeKeyPair(Buffer.alloc(32, `secret ${next++} `))
    let runs = 0
    const keep = (ephemeral1: ReturnType<typeof fresh>, ephemeral2: ReturnType<typeof fresh>) => {
      const begun = present(initiate(terms, anna, ephemeral1, ben.publicKey, NOTHING))
      const answered = present(respond(terms, ben, begun.message)?.reply(ephemeral2, NOTHING))
      for (const key of Object.values(answered.keys)) seen.add(toHex(key.export()))
      runs++
    }
    for (let run = 0; run < 150; run++) {
      // A fresh key of one side is enough: a peer cannot be made to use keys again by one that repeats itself.
      const [ephemeral1, ephemeral2] = [fresh(), fresh()]
      keep(ephemeral1, ephemeral2)
      keep(ephemeral1, fresh())
      keep(fresh(), ephemeral2)
    }
    expect(seen.size).toBe(2 * runs)
  })
})

describe('a session packet', PATIENT, () => {
  const { message } = present(exchangeOf(ANNA).initiate(BEN.id, NOTHING, 1))
  const bin = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const kinds: fc.Arbitrary<SessionPacket>[] = [
    fc.record({
      type: fc.constant(1 as const),
      senderIndex: indexes,
      cookie: bin(16),
      message: fc.oneof(fc.constant(Uint8Array.from(message)), fc.uint8Array({ minLength: 128, maxLength: 1_157 })),
    }),
    fc.record({ type: fc.constant(2 as const), receiverIndex: indexes, message: bin(52) }),
    fc.record({ type: fc.constant(3 as const), receiverIndex: indexes, cookie: bin(16) }),
    fc.record({ type: fc.constant(4 as const), nonce: bin(8) }),
    fc.record({
      type: fc.constant(5 as const),
      nonce: bin(8),
      cookie: bin(16),
      sealNonce: bin(12),
      sealed: fc.uint8Array({ minLength: 16, maxLength: 316 }),
    }),
    fc.record({ type: fc.constant(6 as const), receiverIndex: indexes }),
  ]
  const packets = fc.oneof(...kinds)

  test('is read as it was packed', () => {
    fc.assert(
      fc.property(packets, fc.constantFrom(OFFICE, SECRET), (packet, network) => {
        const read = readSessionPacket(network, packSessionPacket(network, packet))
        expect(plain(read)).toEqual(plain(packet))
      }),
      { numRuns: 1_000 },
    )
  })

  test.each(kinds.map((kind, index) => [index + 1, kind] as const))(
    'of type %i with any bit changed, cut off or longer is refused',
    (type, kind) => {
      fc.assert(
        fc.property(kind, fc.constantFrom(OFFICE, SECRET), (packet, network) => {
          expect(packet.type).toBe(type)
          const bytes = packSessionPacket(network, packet)
          everyChange(bytes, (changed) => notRead(network, changed))
          expect(readSessionPacket(network === OFFICE ? SECRET : OFFICE, bytes)).toBe('keyId')
        }),
        { numRuns: 5 },
      )
    },
  )

  test('is nothing that can be made of any bytes, and nothing is thrown', () => {
    const headers = fc.tuple(fc.integer({ min: 0, max: 7 }), fc.constantFrom(27, 43, 75, 79, 171, 400, 1_200))
    const lookAlikes = headers.chain(([type, length]) =>
      bin(length).map((bytes) => Uint8Array.of(3, 0x13, type, 0x56, 0x42, 0x43, 0x9b, ...bytes.subarray(7))),
    )
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 1_300 }), lookAlikes), (bytes) => {
        expect(['length', 'keyId', 'mac']).toContain(readSessionPacket(OFFICE, bytes))
        expect([undefined, bytes[2]]).toContain(sessionPacketTypeOf(bytes))
      }),
      { numRuns: 1_000 },
    )
  })
})

/** Everything ever added, by which a window can be measured. */
class NaiveWindow {
  readonly #seen = new Set<number>()
  highest = -1

  fresh(counter: number): boolean {
    return counter <= MAX_COUNTER && counter > this.highest - WINDOW && !this.#seen.has(counter)
  }

  add(counter: number): void {
    this.#seen.add(counter)
    this.highest = Math.max(this.highest, counter)
  }
}

/** From the highest counter so far to the next: mostly near, at the edges of words and of the window, and far. */
function leaps(): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: -70, max: 70 }),
    fc.integer({ min: -WINDOW - 40, max: WINDOW + 100 }),
    fc.constantFrom(-WINDOW - 1, -WINDOW, -WINDOW + 1, -32, 31, 32, 33, WINDOW, WINDOW + 31, WINDOW + 32, WINDOW + 33),
    fc.integer({ min: 2_000, max: 100_000 }),
  )
}

function refused(opening: DatagramSession, datagram: Uint8Array, what: string): void {
  if (typeof opening.open(datagram) !== 'string') throw new Error(`opened with ${what}`)
}

/** Every flipped bit, missing end and added byte; `use` must give undefined for each. */
function everyChange(bytes: Uint8Array, use: (changed: Uint8Array) => unknown): void {
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    if (use(flipped(bytes, bit)) !== undefined) throw new Error(`accepted with bit ${bit} changed`)
  }
  for (let length = 0; length < bytes.length; length++) {
    if (use(bytes.subarray(0, length)) !== undefined) throw new Error(`accepted with ${length} bytes`)
  }
  if (use(Buffer.concat([bytes, Uint8Array.of(0)])) !== undefined) throw new Error('accepted with a byte too many')
}

function notRead(network: Network, bytes: Uint8Array): unknown {
  const read = readSessionPacket(network, bytes)
  return typeof read === 'string' ? undefined : read
}

function withPart(message: Uint8Array, part: Uint8Array, offset: number): Uint8Array {
  const changed = Uint8Array.from(message)
  changed.set(part, offset)
  return changed
}

/** With byte strings of one class, so that only their bytes are compared. */
function plain(packet: unknown): unknown {
  return JSON.parse(
    JSON.stringify(packet, (_key, value) => (value?.type === 'Buffer' ? toHex(Buffer.from(value)) : hexOf(value))),
  )
}

function hexOf(value: unknown): unknown {
  return value instanceof Uint8Array ? toHex(value) : value
}
