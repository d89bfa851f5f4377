import type { PeerId } from '@pc/identity'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idsOfList } from '../test/_util/lists.js'
import { keyOf } from './contact.js'
import { ListPages } from './list-pages.js'

const IDS = idsOfList(0, 24)

interface Listed {
  readonly key: string
  readonly id: PeerId
  readonly bytes: Uint8Array | undefined
  readonly renewedAt: number
}

const listed = (id: PeerId, length: number | undefined = 100): Listed => ({
  key: keyOf(id.bytes),
  id,
  bytes: length < 0 ? undefined : new Uint8Array(length),
  renewedAt: 0,
})

function pagesOf(entries: readonly Listed[]): ListPages<Listed> {
  const pages = new ListPages<Listed>()
  for (const entry of entries) pages.add(entry)
  return pages
}

/** Reads to the end, with something that happens between two pages. */
function readAll(pages: ListPages<Listed>, limit: number, between: (page: number) => void = () => {}): PeerId[] {
  const seen: PeerId[] = []
  let cursor: Uint8Array | undefined
  for (let count = 0; count < 1_000; count++) {
    const { entries, next } = pages.page(cursor === undefined ? undefined : keyOf(cursor), limit, 0)
    seen.push(...entries.map(({ id }) => id))
    if (next === undefined) return seen
    cursor = next
    between(count)
  }
  throw new Error('there is no end of pages')
}

const sorted = (ids: readonly PeerId[]) => [...ids].sort((a, b) => Buffer.compare(a.bytes, b.bytes))

describe('ListPages', () => {
  it('gives pages of 4 at most in the order of ids, and no cursor with the last', () => {
    const pages = pagesOf(IDS.slice(0, 8).map((id) => listed(id)))
    const ids = sorted(IDS.slice(0, 8))
    const fourth = ids[3]?.bytes ?? new Uint8Array()
    const [first, second] = [pages.page(undefined, 9, 0), pages.page(keyOf(fourth), 9, 0)]
    expect([first.entries.map(({ id }) => id), first.next]).toEqual([ids.slice(0, 4), fourth])
    expect([second.entries.map(({ id }) => id), second.next]).toEqual([ids.slice(4), undefined])
    expect(pages.page(undefined, 0, 0).entries).toHaveLength(1)
    expect(new ListPages<Listed>().page(undefined, 4, 0)).toEqual({ entries: [], next: undefined })
  })

  it('gives 1,000 bytes at most, and says how old entries are', () => {
    const three = pagesOf(IDS.slice(0, 4).map((id) => listed(id, 300)))
    expect(three.page(undefined, 4, 7).entries.map(({ ageMs }) => ageMs)).toEqual([7, 7, 7])
    const four = pagesOf(IDS.slice(0, 4).map((id) => listed(id, 250)))
    expect(four.page(undefined, 4, 0)).toMatchObject({ entries: { length: 4 }, next: undefined })
  })

  it('gives no marks, and is at its end when only marks follow', () => {
    const [first, second, third] = sorted(IDS.slice(0, 3)) as [PeerId, PeerId, PeerId]
    const pages = pagesOf([listed(first), listed(second, -1), listed(third, -1)])
    expect([pages.page(undefined, 1, 0), pages.size]).toMatchObject([{ entries: [{ id: first }], next: undefined }, 3])
  })

  it('shows every entry exactly once when nothing changes', () => {
    const entries = fc.uniqueArray(fc.record({ which: fc.nat(23), length: fc.integer({ min: -1, max: 300 }) }), {
      selector: ({ which }) => which,
    })
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 5 }), (drawn, limit) => {
        const all = drawn.map(({ which, length }) => listed(IDS[which] as PeerId, length))
        const shown = all.filter(({ bytes }) => bytes !== undefined).map(({ id }) => id)
        expect(readAll(pagesOf(all), limit)).toEqual(sorted(shown))
      }),
    )
  })

  it('shows every entry that stays, and none twice, while others come and go', () => {
    const change = fc.array(fc.record({ which: fc.nat(23), page: fc.nat(6) }), { maxLength: 30 })
    fc.assert(
      fc.property(fc.subarray(IDS), fc.subarray(IDS), change, (staying, atFirst, changes) => {
        const here = new Map<PeerId, Listed>()
        const pages = new ListPages<Listed>()
        const toggle = (id: PeerId): void => {
          const entry = here.get(id) ?? listed(id)
          if (here.delete(id)) pages.remove(entry)
          else pages.add(here.set(id, entry).get(id) ?? entry)
        }
        for (const id of new Set([...staying, ...atFirst])) toggle(id)
        const seen = readAll(pages, 3, (count) => {
          for (const { which, page } of changes) {
            const id = IDS[which] as PeerId
            if (page === count && !staying.includes(id)) toggle(id)
          }
        })
        expect(new Set(seen).size).toBe(seen.length)
        expect(staying.filter((id) => !seen.includes(id))).toEqual([])
      }),
    )
  })
})
