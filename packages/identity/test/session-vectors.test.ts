import { describe, expect, test } from 'vitest'
import {
  createIdentity,
  createKeyExchange,
  type DatagramSession,
  type Network,
  openNetwork,
  type PendingExchange,
  packSessionPacket,
  readSessionPacket,
  type SessionPacket,
} from '../src/index.js'
import { exchangeKeyOf, exchangeKeyPair, exchangeKeysOf } from '../src/x25519.js'
import { NOTHING, present, scripted, sealedDatagram } from './_util/sessions.js'
import { fromHex, readVectors, toHex } from './_util/vectors.js'

const networks = new Map<string, Network>()
// Opening one with a secret is slow on purpose.
function networkOf(name: string, secret: string): Network {
  const key = `${name} ${secret}`
  const network = networks.get(key) ?? openNetwork(JSON.parse(name), secret === '-' ? {} : { secret: fromHex(secret) })
  networks.set(key, network)
  return network
}

const u32 = (hex: string | undefined) => Number.parseInt(hex ?? '', 16)

describe('sessions.txt', () => {
  const FIELDS: Record<string, number> = {
    keys: 4,
    exchange: 14,
    sealed: 4,
    'refused-message-1': 4,
    'refused-message-2': 3,
    'refused-datagram': 5,
  }
  const lines = readVectors('sessions.txt', (kind) => FIELDS[kind] ?? 0)
  const of = (kind: string) => lines.filter(([first]) => first === kind).map(([, ...fields]) => fields)
  const exchanges = new Map(of('exchange').map((fields) => [fields[0] ?? '', fields]))

  test('has nothing but these', () => {
    expect(lines.every(([kind = '', ...fields]) => fields.length === FIELDS[kind] || fields.at(-1) === '')).toBe(true)
    expect(Object.keys(FIELDS).map((kind) => of(kind).length > 0)).toEqual(Array(6).fill(true))
  })

  test.each(of('keys'))('keys %s', (seed, id, secret, publicKey) => {
    const identity = createIdentity(fromHex(seed))
    expect([toHex(identity.id.bytes), toHex(exchangeKeyOf(identity.id))]).toEqual([id, publicKey])
    expect(toHex(exchangeKeyPair(fromHex(secret)).publicKey)).toBe(publicKey)
    expect(exchangeKeysOf(identity).privateKey.export({ format: 'jwk' }).d).toBe(
      Buffer.from(fromHex(secret)).toString('base64url'),
    )
  })

  test.each([...exchanges.keys()])('exchange %s', (name) => {
    const [, , , , , , , , index2, early, message1, message2, fromInitiator, fromResponder] = fieldsOf(name)
    const { pending, received, accepted, initiator } = runOf(name)
    expect([toHex(pending.message), toHex(accepted.message)]).toEqual([message1, message2])
    expect([toHex(received.early) || '-', initiator.remoteIndex]).toEqual([early, u32(index2)])
    const { remoteIndex } = accepted.session
    const there = { rootCode: 1, index: initiator.remoteIndex, counter: 0n }
    expect(initiator.seal(1, NOTHING)).toEqual(sealedDatagram(fromHex(fromInitiator), there, NOTHING))
    const back = { ...there, index: remoteIndex }
    expect(accepted.session.seal(1, NOTHING)).toEqual(sealedDatagram(fromHex(fromResponder), back, NOTHING))
  })

  for (const name of exchanges.keys()) {
    for (const from of ['initiator', 'responder'] as const) {
      const mine = (fields: string[]) => fields[0] === name && fields[1] === from
      const sealed = of('sealed').filter(mine)
      const refused = of('refused-datagram').filter(mine)
      if (sealed.length + refused.length === 0) continue

      test(`sealed by the ${from} of ${name}`, () => {
        const { initiator, accepted } = runOf(name)
        const [sender, receiver] = from === 'initiator' ? [initiator, accepted.session] : [accepted.session, initiator]
        for (const [, , plaintext, hex] of sealed) {
          const datagram = fromHex(hex)
          if (counterOf(datagram) < 4_000) expect(toHex(sealAt(sender, datagram, fromHex(plaintext)))).toBe(hex)
          expect(receiver.open(datagram)).toEqual(Buffer.from(fromHex(plaintext)))
        }
        for (const [, , failure, hex, reason] of refused) {
          expect([reason, receiver.open(fromHex(hex))]).toEqual([reason, failure])
        }
      })
    }
  }

  test.each(of('refused-message-1').map(([name, index, message, reason]) => [reason, name, index, message]))(
    'message 1: %s',
    (_reason, name, index, message) => {
      expect(responderOf(name).respond(fromHex(message), u32(index))).toBeUndefined()
    },
  )

  test.each(of('refused-message-2').map(([name, message, reason]) => [reason, name, message]))(
    'message 2: %s',
    (_reason, name, message) => {
      const pending = begin(name)
      expect(pending.finish(fromHex(message))).toBeUndefined()
      expect(pending.finish(fromHex(fieldsOf(name)[11]))).toBeDefined()
    },
  )

  function fieldsOf(name: string | undefined): string[] {
    return present(exchanges.get(name ?? ''))
  }

  function begin(name: string | undefined): PendingExchange {
    const [, network = '', secret = '', seed1, seed2, secret1, , index1, , early] = fieldsOf(name)
    const random = scripted(fromHex(secret1))
    const exchange = createKeyExchange({
      identity: createIdentity(fromHex(seed1)),
      network: networkOf(network, secret),
      random,
    })
    return present(exchange.initiate(createIdentity(fromHex(seed2)).id, fromHex(early), u32(index1)))
  }

  function responderOf(name: string | undefined) {
    const [, network = '', secret = '', , seed2, , secret2] = fieldsOf(name)
    const random = scripted(fromHex(secret2))
    return createKeyExchange({ identity: createIdentity(fromHex(seed2)), network: networkOf(network, secret), random })
  }

  function runOf(name: string) {
    const [, , , , , , , index1, index2] = fieldsOf(name)
    const pending = begin(name)
    const received = present(responderOf(name).respond(pending.message, u32(index1)))
    const accepted = present(received.accept(u32(index2)))
    return { pending, received, accepted, initiator: present(pending.finish(accepted.message)) }
  }
})

describe('session-packets.txt', () => {
  const lines = readVectors('session-packets.txt', () => 4)

  test.each(lines.filter(([kind]) => kind === 'valid'))(
    '%s %s %s %s %s',
    (_kind, name = '', secret = '', hex, json = '') => {
      const network = networkOf(name, secret)
      const packet = JSON.parse(json, (_key, value) => (typeof value === 'string' ? Buffer.from(value, 'hex') : value))
      expect(toHex(packSessionPacket(network, packet as SessionPacket))).toBe(hex)
      expect(readSessionPacket(network, fromHex(hex))).toEqual(packet)
    },
  )

  test.each(
    lines.filter(([kind]) => kind === 'invalid').map(([, name, secret, hex, rest = '']) => [rest, name, secret, hex]),
  )('invalid: %s', (rest = '', name = '', secret = '', hex) => {
    expect(readSessionPacket(networkOf(name, secret), fromHex(hex))).toBe(rest.slice(0, rest.indexOf(' ')))
  })

  test('has one of each type and each fault', () => {
    const types = lines.filter(([kind]) => kind === 'valid').map(([, , , , json = '']) => JSON.parse(json).type)
    expect(new Set(types)).toEqual(new Set([1, 2, 3, 4, 5, 6]))
    const faults = lines.filter(([kind]) => kind === 'invalid').map(([, , , , rest = '']) => rest.split(' ')[0])
    expect(new Set(faults)).toEqual(new Set(['length', 'keyId', 'mac']))
  })
})

function counterOf(datagram: Uint8Array): number {
  return Buffer.from(datagram).readUInt32BE(10)
}

/** Seals until it is the turn of the counter that the datagram has; a lower one cannot be reached again. */
function sealAt(sender: DatagramSession, datagram: Uint8Array, plaintext: Uint8Array): Uint8Array {
  while (sender.sealed < counterOf(datagram)) sender.seal(0, NOTHING)
  return sender.sealed === counterOf(datagram) ? sender.seal(datagram[0] ?? 0, plaintext) : datagram
}
