import { createIdentity, readPeerRecord, type SignedPeerRecord, signPeerRecord } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import { contactAt } from '../test/_util/contacts.js'
import type { Contact } from './contact.js'
import { type DirectoryPorts, readLists, readPages } from './directory.js'
import { listOf } from './list-keys.js'
import type { ListReply } from './messages.js'
import { positionOf } from './position.js'

const RECORDS = Array.from({ length: 40 }, (_, index) => {
  const identity = createIdentity(new Uint8Array(32).fill(index + 1))
  return [1, 2].map((sequence) =>
    signPeerRecord(identity, { sequence, name: `p${index}`, addresses: [], capabilities: [] }),
  )
})
const LIST = listOf(positionOf((RECORDS[0] as SignedPeerRecord[])[0]?.id.bytes as Uint8Array))
const [OURS, OTHERS] = [true, false].map((here) =>
  RECORDS.filter(([record]) => (listOf(positionOf(record?.id.bytes as Uint8Array)) === LIST) === here),
) as [SignedPeerRecord[][], SignedPeerRecord[][]]
const HOLDERS = ['1', '01', '001', '0001', '00001'].map((bits) => contactAt(bits))
const entry = (record: SignedPeerRecord | undefined, ageMs = 0) => ({
  record: record?.bytes ?? new Uint8Array(0),
  ageMs,
})
const idOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

function portsWith(page: DirectoryPorts['page'], own: readonly SignedPeerRecord[] = []): DirectoryPorts {
  return {
    holdersOf: () => Promise.resolve(HOLDERS),
    page,
    own: () => own.map(({ bytes }) => bytes),
    isNearer: () => true,
    read: (bytes) => {
      try {
        return readPeerRecord(bytes)
      } catch {
        return undefined
      }
    },
  }
}

async function namesOf(ports: DirectoryPorts): Promise<string[]> {
  const names: string[] = []
  for await (const { peers } of readLists([LIST], ports))
    names.push(...peers.map(({ name, sequence }) => `${name}/${sequence}`))
  return names
}

const empty: ListReply = { entries: [], cursor: undefined }
const nameOf = (index: number): string => OURS[index]?.[0]?.name ?? ''

describe('a list', () => {
  it('is what three holders and this peer have of it, each peer once, by its newest record', async () => {
    const [first, second] = OURS as [SignedPeerRecord[], SignedPeerRecord[]]
    const asked = new Set<string>()
    const ports = portsWith(
      (holder) => {
        asked.add(holder.key)
        const newest = holder === HOLDERS[1] ? first[1] : first[0]
        return Promise.resolve({ ...empty, entries: [entry(newest)] })
      },
      [second[0] as SignedPeerRecord],
    )
    expect((await namesOf(ports)).sort()).toEqual([`${nameOf(0)}/2`, `${nameOf(1)}/1`].sort())
    expect([...asked]).toEqual(HOLDERS.slice(0, 3).map(({ key }) => key))
  })

  it('is not what this peer has of former days, when three holders are nearer to it', async () => {
    const [first, second] = OURS as [SignedPeerRecord[], SignedPeerRecord[]]
    const page = (): Promise<ListReply> => Promise.resolve({ ...empty, entries: [entry(first[0])] })
    const ports = portsWith(page, [second[0] as SignedPeerRecord])
    const farther = { ...ports, isNearer: (list: number, other: Contact) => list === LIST && other !== HOLDERS[2] }
    expect(await namesOf(farther)).toEqual([`${nameOf(0)}/1`])
    expect((await namesOf({ ...farther, holdersOf: () => Promise.resolve(HOLDERS.slice(0, 2)) })).length).toBe(2)
  })

  it('is read from the next holder when one stops, and what that gave counts', async () => {
    const asked: Contact[] = []
    const ports = portsWith((holder, _, cursor) => {
      asked.push(holder)
      if (holder !== HOLDERS[0]) return Promise.resolve(empty)
      if (cursor !== undefined) return Promise.reject(new Error('no answer'))
      return Promise.resolve({ entries: [entry(OURS[0]?.[0])], cursor: idOf(1) })
    })
    expect(await namesOf(ports)).toEqual([`${nameOf(0)}/1`])
    expect(new Set(asked).size).toBe(4)
  })

  it('has nothing that is no record, belongs on another list, or has ended', async () => {
    const entries = [
      entry(OTHERS[0]?.[0]),
      { record: Uint8Array.of(1, 2, 3), ageMs: 0 },
      entry(OURS[0]?.[0], 600_000),
      entry(OURS[1]?.[0], 599_999),
    ]
    expect(await namesOf(portsWith(() => Promise.resolve({ entries, cursor: undefined })))).toEqual([`${nameOf(1)}/1`])
  })

  it('is read no longer when nobody waits for it', async () => {
    let pages = 0
    const ports = portsWith(async (_, list, cursor) => {
      pages++
      return list === 0 ? empty : { ...empty, cursor: next(cursor) }
    })
    for await (const { list } of readLists([0, 1, 2], ports)) {
      expect(list).toBe(0)
      break
    }
    const left = pages
    await new Promise<void>((resolve) => setImmediate(resolve))
    expect(pages - left).toBeLessThanOrEqual(6)
  })
})

describe('a holder', () => {
  it('that goes in circles, or back, is read once', async () => {
    for (const cursors of [
      [idOf(5), idOf(5)],
      [idOf(5), idOf(4)],
    ]) {
      let pages = 0
      const whole = await readPages(
        () => Promise.resolve({ entries: [], cursor: cursors[pages++] }),
        () => {},
      )
      expect([whole, pages]).toEqual([true, 2])
    }
  })

  it('that never ends is left after 1,000 pages', async () => {
    let pages = 0
    const reply = (cursor: Uint8Array | undefined): Promise<ListReply> => {
      pages++
      return Promise.resolve({ entries: [], cursor: next(cursor) })
    }
    expect(await readPages(reply, () => {})).toBe(true)
    expect(pages).toBe(1_000)
  })
})

/** The id behind that one. */
function next(cursor: Uint8Array | undefined): Uint8Array {
  const id = Buffer.from(cursor ?? new Uint8Array(32))
  id.writeUInt32BE(id.readUInt32BE(28) + 1, 28)
  return id
}
