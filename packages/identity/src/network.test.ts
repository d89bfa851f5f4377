import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { codeOf } from '../test/_util/vectors.js'
import { createIdentity } from './identity.js'
import { openNetwork } from './network.js'

const network = openNetwork('office')
const { id } = createIdentity(new Uint8Array(32).fill(1))
const bytes = Uint8Array.of(1, 2, 3)

test('another name is another network in every key', () => {
  const other = openNetwork('Office')
  expect(other.keyId).not.toBe(network.keyId)
  expect(other.verify(bytes, network.mac(bytes))).toBe(false)
  expect(other.blind(id, 1)).not.toEqual(network.blind(id, 1))
})

test('a MAC of another length or with any flipped bit is refused, never an error', () => {
  const mac = network.mac(bytes)
  for (const length of [0, 15, 17, 32]) expect(network.verify(bytes, new Uint8Array(length))).toBe(false)
  for (const flipped of flips(mac)) expect(network.verify(bytes, flipped)).toBe(false)
})

test('a blinded id changes with the epoch and takes any unsigned 32-bit one', () => {
  const seen = new Set([0, 1, 2, 0xffff_ffff].map((epoch) => Buffer.from(network.blind(id, epoch)).toString('hex')))
  expect(seen.size).toBe(4)
  for (const epoch of [-1, 0.5, 2 ** 32, Number.NaN])
    expect(codeOf(() => network.blind(id, epoch))).toBe('BAD_ARGUMENT')
})

test('a name that is no text is refused by code', () => {
  for (const name of [undefined, null, 7])
    expect(codeOf(() => openNetwork(name as unknown as string))).toBe('BAD_NETWORK_NAME')
})

const secret = 'correct horse battery staple'
const office = openNetwork('office', { secret })
const nonce = new Uint8Array(12).fill(7)

describe('a network with a secret', () => {
  test('shares nothing with the open network of its name', () => {
    expect([network.hasSecret, office.hasSecret]).toEqual([false, true])
    expect(office.keyId).not.toBe(network.keyId)
    expect(network.verify(bytes, office.mac(bytes))).toBe(false)
    expect(network.blind(id, 1)).not.toEqual(office.blind(id, 1))
    expect(network.verifyProof('test', bytes, office.prove('test', bytes))).toBe(false)
    expect(network.openRecord(office.sealRecord(bytes, nonce), nonce)).toBeUndefined()
    expect(network.psk).toEqual(new Uint8Array(32))
  })

  test('is another one with another secret or another name, and the same one from text and bytes', () => {
    const same = openNetwork('office', { secret: new TextEncoder().encode(secret) })
    expect(same.verifyProof('test', bytes, office.prove('test', bytes))).toBe(true)
    expect(same.psk).toEqual(office.psk)
    for (const other of [openNetwork('office', { secret: `${secret}.` }), openNetwork('Office', { secret })]) {
      expect(other.keyId).not.toBe(office.keyId)
      expect(other.psk).not.toEqual(office.psk)
      expect(other.verifyProof('test', bytes, office.prove('test', bytes))).toBe(false)
    }
  })

  test('does not follow bytes that change later', () => {
    const changing = new TextEncoder().encode(secret)
    const opened = openNetwork('office', { secret: changing })
    changing.fill(0)
    expect(opened.prove('test', bytes)).toEqual(office.prove('test', bytes))
  })

  test('shows nothing of the secret or its keys', () => {
    const psk = Buffer.from(office.psk)
    const shown = [inspect(office, { depth: 9, showHidden: true }), JSON.stringify(office), `${office}`].join('\n')
    for (const hidden of [secret, psk.toString('hex'), psk.toString('base64'), [...psk].join(), [...psk].join(', ')])
      expect(shown).not.toContain(hidden)
    expect(Object.keys(office)).not.toContain('psk')
  })

  test('takes 8 to 1,024 bytes, counted in UTF-8, and no error repeats them', () => {
    for (const good of ['12345678', 'éééé', new Uint8Array(8), 'a'.repeat(1_024)])
      expect(openNetwork('office', { secret: good }).hasSecret).toBe(true)
    const bad = ['', '1234567', 'hunter2', 'ééé', 'a'.repeat(1_025), 'é'.repeat(513), '12345678\ud800']
    for (const text of bad) {
      const error = errorOf(() => openNetwork('office', { secret: text }))
      expect(error).toMatchObject({ code: 'BAD_NETWORK_SECRET' })
      if (text !== '') expect(inspect(error, { showHidden: true })).not.toContain(text)
    }
    for (const wrong of [new Uint8Array(7), new Uint8Array(1_025), null, 12345678, [1, 2, 3]] as unknown as string[])
      expect(codeOf(() => openNetwork('office', { secret: wrong }))).toBe('BAD_NETWORK_SECRET')
  })
})

describe('sealed records', () => {
  test('come back, also empty ones, and are 16 bytes longer', () => {
    for (const record of [new Uint8Array(), bytes, new Uint8Array(300).fill(9)]) {
      const sealed = office.sealRecord(record, nonce)
      expect(sealed.length).toBe(record.length + 16)
      expect(office.openRecord(sealed, nonce)).toEqual(record)
    }
  })

  test('with any flipped bit, another length or another nonce are undefined', () => {
    const sealed = office.sealRecord(bytes, nonce)
    for (const flipped of flips(sealed)) expect(office.openRecord(flipped, nonce)).toBeUndefined()
    for (const flipped of flips(nonce)) expect(office.openRecord(sealed, flipped)).toBeUndefined()
    for (const length of [0, 15, 16, sealed.length - 1])
      expect(office.openRecord(sealed.subarray(0, length), nonce)).toBeUndefined()
    for (const length of [0, 11, 13, 16]) {
      expect(office.openRecord(sealed, new Uint8Array(length))).toBeUndefined()
      expect(codeOf(() => office.sealRecord(bytes, new Uint8Array(length)))).toBe('BAD_ARGUMENT')
    }
  })
})

describe('proofs', () => {
  test('hold for their purpose and bytes alone', () => {
    const proof = office.prove('pc-test', bytes)
    expect(proof.length).toBe(32)
    expect(office.verifyProof('pc-test', bytes, proof)).toBe(true)
    expect(office.verifyProof('pc-tes', Uint8Array.of(0x74, 0, ...bytes), proof)).toBe(false)
    for (const flipped of flips(bytes)) expect(office.verifyProof('pc-test', flipped, proof)).toBe(false)
    for (const flipped of flips(proof)) expect(office.verifyProof('pc-test', bytes, flipped)).toBe(false)
    for (const length of [0, 31, 33]) {
      const wrong = new Uint8Array(length)
      wrong.set(proof.subarray(0, length))
      expect(office.verifyProof('pc-test', bytes, wrong)).toBe(false)
    }
  })

  test('take a purpose of the alphabet only', () => {
    for (const purpose of ['', 'A', '1a', 'a b', 'a\0', 'a'.repeat(65)]) {
      expect(codeOf(() => office.prove(purpose, bytes))).toBe('BAD_ARGUMENT')
      expect(codeOf(() => office.verifyProof(purpose, bytes, new Uint8Array(32)))).toBe('BAD_ARGUMENT')
    }
  })
})

function* flips(from: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < from.length * 8; bit++) {
    const flipped = Uint8Array.from(from)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield flipped
  }
}

function errorOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}
