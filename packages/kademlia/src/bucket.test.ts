import { describe, expect, it } from 'vitest'
import { contactAt } from '../test/_util/contacts.js'
import { Bucket, TableEntry } from './bucket.js'

const bucketOf = (...bits: string[]) => {
  const bucket = new Bucket(contactAt('10').position, 2, 0)
  bucket.entries.push(...bits.map((each) => new TableEntry(contactAt(each), 0)))
  return bucket
}
const entryOf = (bucket: Bucket, index: number): TableEntry => bucket.entries[index] as TableEntry

describe('a bucket', () => {
  it('covers what begins with its prefix, whatever comes behind that', () => {
    const bucket = new Bucket(contactAt('1011').position, 2, 0)
    expect(['100', '10111', '11', '0'].map((bits) => bucket.covers(contactAt(bits).position))).toEqual([
      true,
      true,
      false,
      false,
    ])
  })

  it('has whoever was heard of last at its end (§2.2)', () => {
    const bucket = bucketOf('1', '11', '111')
    const [first, second, third] = bucket.entries as [TableEntry, TableEntry, TableEntry]
    bucket.touch(first, 5)
    expect(bucket.entries).toEqual([second, third, first])
    bucket.touch(first, 6)
    expect(bucket.entries).toEqual([second, third, first])
    expect(first.heardAt).toBe(6)
  })

  it('gives up after two failures in a row for one that waits, else after five', () => {
    const bucket = bucketOf('1')
    const entry = entryOf(bucket, 0)
    expect([1, 2, 3, 4, 5].map(() => bucket.fail(entry))).toEqual([false, false, false, false, true])
    bucket.touch(entry, 1)
    expect([entry.failures, entry.stateAt(1, 10)]).toEqual([0, 'verified'])
    bucket.wait(contactAt('11'), 1)
    expect([1, 2].map(() => bucket.fail(entry))).toEqual([false, true])
  })

  it('lets the latest wait, each once', () => {
    const bucket = bucketOf()
    for (const bits of ['1', '11', '1', '111', '1111']) bucket.wait(contactAt(bits), 3)
    expect(bucket.waiting.map(({ key }) => key)).toEqual(['1', '111', '1111'].map((bits) => contactAt(bits).key))
    bucket.dropWaiting(contactAt('111').key)
    bucket.dropWaiting(contactAt('0').key)
    expect(bucket.waiting).toHaveLength(2)
    bucket.wait(contactAt('11111'), 0)
    expect(bucket.waiting).toHaveLength(2)
  })

  it('is not checking any more whoever answered, failed or went', () => {
    const bucket = bucketOf('1', '11')
    const [first, second] = bucket.entries as [TableEntry, TableEntry]
    for (const end of [() => bucket.touch(first, 1), () => bucket.fail(first), () => bucket.remove(first)]) {
      bucket.checked = first
      bucket.touch(second, 1)
      expect(bucket.checked).toBe(first)
      end()
      expect(bucket.checked).toBeUndefined()
    }
    expect(bucket.entries).toEqual([second])
  })
})
