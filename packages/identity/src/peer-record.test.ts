import { describe, expect, test } from 'vitest'
import { codeOf } from '../test/_util/vectors.js'
import { createIdentity } from './identity.js'
import { PeerId } from './peer-id.js'
import { isPeerName, nextSequence, readPeerRecord, signPeerRecord } from './peer-record.js'

const identity = createIdentity(new Uint8Array(32).fill(1))
const fields = {
  sequence: 1_754_000_000_000,
  name: 'anna',
  addresses: [{ host: '2001:DB8::0:1', port: 3485 }],
  capabilities: ['messages'],
}

describe('signing', () => {
  test('what is signed reads back the same, in canonical form', () => {
    const signed = signPeerRecord(identity, fields)
    expect(signed.addresses).toEqual([{ host: '2001:db8::1', port: 3485 }])
    expect(readPeerRecord(signed.bytes)).toEqual(signed)
  })

  test.each([
    ['a host name', { addresses: [{ host: 'printer.local', port: 3485 }] }],
    ['a scope', { addresses: [{ host: 'fe80::1%eth0', port: 3485 }] }],
    ['an IPv4 address in IPv6', { addresses: [{ host: '::ffff:10.0.0.1', port: 3485 }] }],
    ['port 0', { addresses: [{ host: '10.0.0.1', port: 0 }] }],
    ['five addresses', { addresses: [1, 2, 3, 4, 5].map((n) => ({ host: `10.0.0.${n}`, port: 3485 })) }],
    ['a name with a tilde', { name: 'anna~7k2' }],
    ['a sequence of 2^53', { sequence: 2 ** 53 }],
    ['a fractional sequence', { sequence: 0.5 }],
    ['more than 300 bytes', { capabilities: Array.from({ length: 8 }, (_, n) => `${n}${'c'.repeat(31)}`) }],
  ])('refuses %s, as reading would', (_what, wrong) => {
    expect(codeOf(() => signPeerRecord(identity, { ...fields, ...wrong }))).toBe('BAD_RECORD')
  })
})

describe('reading', () => {
  test('the result does not share memory with the input', () => {
    const bytes = Uint8Array.from(signPeerRecord(identity, fields).bytes)
    const record = readPeerRecord(bytes)
    const before = Uint8Array.from(record.bytes)
    bytes.fill(0)
    expect(record.bytes).toEqual(before)
    expect(record.id.equals(identity.id)).toBe(true)
  })

  test('only the record of the peer that was named will do, and only with a signature by that peer', () => {
    const { bytes } = signPeerRecord(identity, fields)
    expect(readPeerRecord(bytes, identity.id).id).toBe(identity.id)
    expect(codeOf(() => readPeerRecord(bytes, createIdentity(new Uint8Array(32).fill(2)).id))).toBe('BAD_RECORD')
    const forged = Uint8Array.from(bytes)
    forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
    expect(codeOf(() => readPeerRecord(forged, identity.id))).toBe('BAD_RECORD')
    expect(codeOf(() => readPeerRecord(forged))).toBe('BAD_RECORD')
  })

  test('ids that are no point of the curve, and small-order ones, are refused whatever the signature is', () => {
    const { bytes } = signPeerRecord(identity, fields)
    const at = Buffer.from(bytes).indexOf(identity.id.bytes)
    const identityPoint = [1, ...new Array(31).fill(0)]
    const basePoint = [0x58, ...new Array(31).fill(0x66)]
    // R = [S]B: what passes for every message under the neutral element, were it taken for a key.
    const signatures = [
      [...identityPoint, ...new Array(32).fill(0)],
      [...basePoint, ...identityPoint],
    ]
    let off = 0
    for (let y = 0; y < 256; y++) {
      const id = Uint8Array.from([y, ...new Array(31).fill(0)])
      if (y > 1 && codeOf(() => PeerId.fromBytes(id)) === 'no error') continue
      off++
      for (const signature of signatures) {
        const forged = Uint8Array.from(bytes)
        forged.set(id, at)
        forged.set(signature, forged.length - 64)
        expect(
          codeOf(() => readPeerRecord(forged)),
          `y = ${y}`,
        ).toBe('BAD_RECORD')
      }
    }
    expect(off).toBeGreaterThan(100)
  })

  test('a view into a larger buffer is read as the view', () => {
    const { bytes } = signPeerRecord(identity, fields)
    const large = Buffer.alloc(bytes.length + 20, 0xff)
    large.set(bytes, 7)
    expect(readPeerRecord(large.subarray(7, 7 + bytes.length)).bytes).toEqual(bytes)
  })
})

describe('nextSequence', () => {
  test.each([
    [0, 0, 1],
    [5, 1_000, 1_000],
    [1_000, 5, 1_001],
    [1_000, 1_000, 1_001],
    [0, 12.9, 12],
    [Number.MAX_SAFE_INTEGER - 1, 0, Number.MAX_SAFE_INTEGER],
  ])('after %d at %d comes %d', (previous, unixMs, next) => expect(nextSequence(previous, unixMs)).toBe(next))

  test.each([
    [Number.MAX_SAFE_INTEGER, 0],
    [Number.NaN, 0],
    [0, Number.NaN],
    [0, Number.POSITIVE_INFINITY],
    [0.5, 0],
    [-5, -5],
  ])('after %d at %d there is none', (previous, unixMs) => {
    expect(codeOf(() => nextSequence(previous, unixMs))).toBe('BAD_ARGUMENT')
  })
})

test('names: people may write in their own language, but not hide or reorder text', () => {
  for (const name of ['anna', 'Büro 2', 'プリンター', 'می‌خواهم', '👩‍🔧', 'a b', 'a@b:1', 'x'.repeat(64)])
    expect(isPeerName(name), name).toBe(true)
  for (const name of [
    '',
    'x'.repeat(65),
    'é'.repeat(33),
    'a\tb',
    'a~b',
    'a/b',
    ' a',
    'a ',
    'a\u3000',
    '\ufeffa',
    'a\u2066b',
    '\ud800',
  ]) {
    expect(isPeerName(name), JSON.stringify(name)).toBe(false)
  }
})
