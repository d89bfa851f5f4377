import { inspect } from 'node:util'
import { ed25519 } from '@noble/curves/ed25519.js'
import { expect, test } from 'vitest'
import { codeOf, fromHex } from '../test/_util/vectors.js'
import { createIdentity } from './identity.js'
import { PeerId, parseShortId, provedPeerId } from './peer-id.js'

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

test('bytes that a signature proves are refused by their form as well, before anything is verified', () => {
  const sign = (last: string): string => (Number.parseInt(last, 16) | 0x80).toString(16)
  const smallOrder = [`01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`, '00'.repeat(32)]
  const beyond = ['ed', 'ee', 'f3', 'ff'].map((low) => `${low}${'ff'.repeat(30)}7f`)
  for (const hex of [...smallOrder, ...beyond]) {
    for (const form of [hex, `${hex.slice(0, 62)}${sign(hex.slice(62))}`]) {
      const verify = (): boolean => expect.fail('nothing is to be verified')
      expect(
        codeOf(() => provedPeerId(fromHex(form), verify)),
        form,
      ).toBe('BAD_PEER_ID')
    }
  }
  // Below p, though some of its bytes are as high.
  for (const hex of [
    `ed${'ff'.repeat(29)}fe7f`,
    `ed${'ff'.repeat(30)}7e`,
    `edfe${'ff'.repeat(29)}7f`,
    `eb${'ff'.repeat(30)}7f`,
  ]) {
    expect(provedPeerId(fromHex(hex), () => true)?.bytes, hex).toEqual(fromHex(hex))
  }
  for (const length of [31, 33])
    expect(codeOf(() => provedPeerId(new Uint8Array(length), () => true))).toBe('BAD_PEER_ID')
})

test('an id counts as proved only when the signature says so', () => {
  const bytes = Uint8Array.from(id.bytes)
  const proved = provedPeerId(bytes, (claimed) => claimed.equals(id))
  bytes.fill(0)
  expect(proved?.equals(id)).toBe(true)
  expect(provedPeerId(id.bytes, () => false)).toBeUndefined()
})
