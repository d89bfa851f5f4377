import { createIdentity, type SignedPeerRecord, signPeerRecord } from '@pc/identity'
import { expect, it } from 'vitest'
import { KnownRecords } from './known-records.js'

const identities = [1, 2, 3].map((seed) => createIdentity(new Uint8Array(32).fill(seed)))
const recordOf = (index: number, sequence = 1): SignedPeerRecord => {
  const identity = identities[index] as ReturnType<typeof createIdentity>
  return signPeerRecord(identity, { sequence, name: `p${index}`, addresses: [], capabilities: [] })
}
const idOf = (index: number): Uint8Array => recordOf(index).id.bytes

it('keeps the latest record of each peer', () => {
  const known = new KnownRecords()
  for (const sequence of [2, 1, 3, 2]) known.note(recordOf(0, sequence))
  expect([known.size, known.get(idOf(0))?.sequence, known.get(idOf(1))]).toEqual([1, 3, undefined])
  known.forget(idOf(0))
  expect(known.get(idOf(0))).toBeUndefined()
})

it('forgets the one that was noted first when it is full, and none for one that is there', () => {
  const known = new KnownRecords(2)
  for (const [index, sequence] of [
    [0, 1],
    [1, 1],
    [0, 2],
  ] as const) {
    known.note(recordOf(index, sequence))
  }
  expect(known.size).toBe(2)
  known.note(recordOf(2))
  expect([0, 1, 2].map((index) => known.get(idOf(index))?.sequence)).toEqual([2, undefined, 1])
})
