import { expect, test } from 'vitest'
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
  for (let bit = 0; bit < 128; bit++) {
    const flipped = Uint8Array.from(mac)
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    expect(network.verify(bytes, flipped), `bit ${bit}`).toBe(false)
  }
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
