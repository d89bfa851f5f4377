import type { KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { noiseReference, type Reference } from '../test/_util/noise-reference.js'
import { ANNA, BEN, flipped, NOTHING, present, SMALL_ORDER_KEYS, withHighBit } from '../test/_util/sessions.js'
import { initiate, MESSAGE_1_OVERHEAD, MESSAGE_2_OVERHEAD, respond } from './noise.js'
import { agree, exchangeKeyPair, exchangeKeysOf } from './x25519.js'

const [anna, ben] = [exchangeKeysOf(ANNA), exchangeKeysOf(BEN)]
const [first, second] = [exchangeKeyPair(new Uint8Array(32).fill(0xa1)), exchangeKeyPair(new Uint8Array(32).fill(0xb2))]
const terms = { prologue: Buffer.from('a prologue'), psk: new Uint8Array(32).fill(5) }
const [question, answer] = [Buffer.from('question'), Buffer.from('answer')]

/** The whole exchange as the specification has it, with what is given instead. */
function reference(changes: Partial<Reference> = {}) {
  const secret = (of: typeof anna, with_: Uint8Array) => agree(of.privateKey, with_) ?? new Uint8Array(32)
  const keys = { ephemeral1: first.publicKey, ephemeral2: second.publicKey, initiator: anna.publicKey, ...changes }
  return noiseReference({
    ...terms,
    responder: ben.publicKey,
    payload1: question,
    payload2: answer,
    es: secret(ben, keys.ephemeral1),
    ss: secret(ben, keys.initiator),
    ee: secret(first, keys.ephemeral2),
    se: secret(anna, keys.ephemeral2),
    ...keys,
  })
}

const begun = present(initiate(terms, anna, first, ben.publicKey, question))

describe('the exchange', () => {
  test('is byte for byte that of the specification', () => {
    const expected = reference()
    expect(begun.message).toEqual(expected.message1)
    const received = present(respond(terms, ben, expected.message1))
    expect([received.remoteStatic, received.payload]).toEqual([anna.publicKey, question])
    const reply = present(received.reply(second, answer))
    expect(reply.message).toEqual(expected.message2)
    const finished = present(begun.finish(expected.message2))
    expect(finished.payload).toEqual(answer)
    for (const { fromInitiator, fromResponder } of [reply.keys, finished.keys]) {
      expect([bytes(fromInitiator), bytes(fromResponder)]).toEqual([expected.fromInitiator, expected.fromResponder])
    }
  })

  test('adds 96 and 48 bytes', () => {
    expect([MESSAGE_1_OVERHEAD, MESSAGE_2_OVERHEAD]).toEqual([96, 48])
    expect(present(initiate(terms, anna, first, ben.publicKey, NOTHING)).message).toHaveLength(96)
    expect(present(respond(terms, ben, begun.message)?.reply(second, NOTHING)).message).toHaveLength(48)
  })

  test('can be answered more than once, with other keys each time', () => {
    const received = present(respond(terms, ben, begun.message))
    const other = exchangeKeyPair(new Uint8Array(32).fill(0xb3))
    const replies = [second, other, second].map((ephemeral) => present(received.reply(ephemeral, answer)))
    expect(replies[2]?.message).toEqual(replies[0]?.message)
    for (const { message, keys } of replies) {
      expect(bytes(present(begun.finish(message)).keys.fromInitiator)).toEqual(bytes(keys.fromInitiator))
    }
    expect(bytes(present(replies[0]).keys.fromInitiator)).not.toEqual(bytes(present(replies[1]).keys.fromInitiator))
  })

  test('survives a buffer that is used again', () => {
    const buffer = Buffer.from(begun.message)
    const received = present(respond(terms, ben, buffer))
    buffer.fill(0)
    expect(begun.finish(present(received.reply(second, answer)).message)?.payload).toEqual(answer)
  })
})

describe('refused', () => {
  test.each([
    ['another prologue', { prologue: NOTHING }],
    ['another psk', { psk: new Uint8Array(32) }],
    ['another responder', { responder: anna.publicKey }],
    ['the secret of es unknown', { es: new Uint8Array(32) }],
    ['the secret of ss unknown', { ss: new Uint8Array(32) }],
  ])('message 1 with %s', (_what, changes) => {
    expect(respond(terms, ben, reference(changes).message1)).toBeUndefined()
  })

  test.each([
    ['the secret of ee unknown', { ee: new Uint8Array(32) }],
    ['the secret of se unknown', { se: new Uint8Array(32) }],
    ['another message 1 behind it', { payload1: answer }],
  ])('message 2 with %s', (_what, changes) => {
    expect(begun.finish(reference(changes).message2)).toBeUndefined()
  })

  // Whoever sends such a key knows every secret that would come of it: nothing but the check of the key is in his way.
  test.each(SMALL_ORDER_KEYS.map((key) => [Buffer.from(key).toString('hex'), key]))(
    'the small-order key %s',
    (_hex, key) => {
      const zeros = new Uint8Array(32)
      expect(respond(terms, ben, reference({ ephemeral1: key, es: zeros }).message1)).toBeUndefined()
      expect(respond(terms, ben, reference({ initiator: key, ss: zeros }).message1)).toBeUndefined()
      expect(begun.finish(reference({ ephemeral2: key, ee: zeros, se: zeros }).message2)).toBeUndefined()
      expect(initiate(terms, anna, first, key, question)).toBeUndefined()
    },
  )

  test('a second spelling of a key, with the right secret behind it', () => {
    const [es, ss] = [agree(ben.privateKey, first.publicKey), agree(ben.privateKey, anna.publicKey)].map(present)
    const [ee, se] = [agree(first.privateKey, second.publicKey), agree(anna.privateKey, second.publicKey)].map(present)
    const spelled = { es, ss, ee, se } as Partial<Reference>
    expect(
      respond(terms, ben, reference({ ...spelled, ephemeral1: withHighBit(first.publicKey) }).message1),
    ).toBeUndefined()
    expect(
      respond(terms, ben, reference({ ...spelled, initiator: withHighBit(anna.publicKey) }).message1),
    ).toBeUndefined()
    expect(begun.finish(reference({ ...spelled, ephemeral2: withHighBit(second.publicKey) }).message2)).toBeUndefined()
    expect(initiate(terms, anna, first, withHighBit(ben.publicKey), question)).toBeUndefined()
  })

  test('every length below the least', () => {
    const { message1, message2 } = reference({ payload1: NOTHING, payload2: NOTHING })
    for (let length = 0; length < 96; length++)
      expect(respond(terms, ben, message1.subarray(0, length))).toBeUndefined()
    for (let length = 0; length < 48; length++) expect(begun.finish(message2.subarray(0, length))).toBeUndefined()
  })

  test('a wrong answer, after which the right one is good', () => {
    const { message2 } = reference()
    for (let bit = 0; bit < message2.length * 8; bit += 13) expect(begun.finish(flipped(message2, bit))).toBeUndefined()
    expect(begun.finish(message2)?.payload).toEqual(answer)
  })
})

function bytes(key: KeyObject): Uint8Array {
  return key.export()
}
