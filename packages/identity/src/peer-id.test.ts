import { inspect } from 'node:util'
import { ed25519 } from '@noble/curves/ed25519.js'
import { expect, test } from 'vitest'
import { codeOf, fromHex } from '../test/_util/vectors.js'
import { createIdentity } from './identity.js'
import { PeerId, parseShortId } from './peer-id.js'

const { id } = createIdentity(new Uint8Array(32).fill(1))
const other = createIdentity(new Uint8Array(32).fill(2)).id

test('all 14 encodings of the 8 small-order points are refused', () => {
  // Computed from the curve itself, to compare with the list in the vectors: l times a point leaves its torsion part.
  const order8 = ed25519.Point.fromBytes(fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'))
  let point = ed25519.Point.ZERO
  const encodings = new Set<string>()
  for (let index = 0; index < 8; index++) {
    encodings.add(Buffer.from(point.toBytes()).toString('hex'))
    point = point.add(order8)
  }
  expect(encodings.size).toBe(8)
  // y = 0 and y = 1 have a second writing as p and p + 1; x = 0 can carry a meaningless sign.
  const nonCanonical = ['ed', 'ee'].flatMap((low) => [`${low}${'ff'.repeat(30)}7f`, `${low}${'ff'.repeat(31)}`])
  nonCanonical.push(`01${'00'.repeat(30)}80`, `ec${'ff'.repeat(31)}`)
  const all = [...encodings, ...nonCanonical]
  expect(all).toHaveLength(14)
  for (const hex of all)
    expect(
      codeOf(() => PeerId.fromBytes(fromHex(hex))),
      hex,
    ).toBe('BAD_PEER_ID')
})

test('the bytes are copied', () => {
  const bytes = Uint8Array.from(id.bytes)
  const copy = PeerId.fromBytes(bytes)
  bytes.fill(0)
  expect(copy.equals(id)).toBe(true)
})

test('what is no byte array or no string is refused by code', () => {
  for (const value of [null, undefined, 'x'.repeat(32), Array(32).fill(1), 7]) {
    expect(codeOf(() => PeerId.fromBytes(value as unknown as Uint8Array))).toBe('BAD_PEER_ID')
    expect(codeOf(() => PeerId.parse(value as unknown as string))).toBe('BAD_PEER_ID')
    expect(parseShortId(value as unknown as string)).toBeUndefined()
  }
  expect(codeOf(() => PeerId.parse('0'.repeat(1_000_000)))).toBe('BAD_PEER_ID')
})

test('compare orders by bytes and agrees with equals', () => {
  const ids = [other, id, PeerId.parse(id.toString())].sort(PeerId.compare)
  const hexes = ids.map(({ bytes }) => Buffer.from(bytes).toString('hex'))
  expect(hexes).toEqual([...hexes].sort())
  expect(PeerId.compare(id, PeerId.parse(id.toString()))).toBe(0)
  expect(id.equals(other)).toBe(false)
})

test('the public key is imported once, and is the key', () => {
  expect(id.publicKey).toBe(id.publicKey)
  expect(id.publicKey.export({ format: 'jwk' }).x).toBe(Buffer.from(id.bytes).toString('base64url'))
})

test('it shows itself as text to people, JSON and the console', () => {
  expect(JSON.stringify({ id })).toBe(`{"id":"${id}"}`)
  expect(inspect({ id })).toBe(`{ id: PeerId(${id}) }`)
  expect(parseShortId(id.short)).toBe(id.toString().slice(0, 7))
})
