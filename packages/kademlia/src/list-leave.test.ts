import { createIdentity } from '@pc/identity'
import { encodeValue } from '@pc/wire'
import { expect, it } from 'vitest'
import { KademliaError } from './errors.js'
import { signLeave, verifyLeave } from './list-leave.js'

const ANNA = createIdentity(new Uint8Array(32).fill(1))
const BEN = createIdentity(new Uint8Array(32).fill(2))

it('a peer leaves by its own signature over the sequence, in a domain of its own', () => {
  const signature = signLeave(ANNA, 7)
  expect(verifyLeave(ANNA.id, 7, signature)).toBe(true)
  expect(Buffer.compare(signature, ANNA.sign('pc-dht-leave', encodeValue([7])))).toBe(0)
  expect(verifyLeave(ANNA.id, 8, signature)).toBe(false)
  expect(verifyLeave(BEN.id, 7, signature)).toBe(false)
  expect(verifyLeave(ANNA.id, 7, ANNA.sign('pc-dht-record', encodeValue([7])))).toBe(false)
  expect(verifyLeave(ANNA.id, 7, signature.subarray(1))).toBe(false)
})

it('what is no sequence is neither signed nor thrown about', () => {
  for (const sequence of [-1, -0, 0.5, 2 ** 53, Number.NaN]) {
    expect(() => signLeave(ANNA, sequence)).toThrow(KademliaError)
    expect(verifyLeave(ANNA.id, sequence, ANNA.sign('pc-dht-leave', new Uint8Array()))).toBe(false)
  }
  expect(verifyLeave(ANNA.id, -0, ANNA.sign('pc-dht-leave', encodeValue([-0])))).toBe(false)
})
