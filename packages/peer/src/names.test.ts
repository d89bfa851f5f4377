import { createIdentity, type PeerId } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import { NamePins } from './names.js'

const idOf = (seed: number): PeerId =>
  createIdentity(new Uint8Array(32).fill(seed & 0xff, 0, 1).fill(seed >> 8, 1, 2)).id
const [anna, other] = [idOf(1), idOf(2)]

describe('NamePins', () => {
  it('pins a name to the first id that proves it, and keeps it from others', () => {
    const pins = new NamePins()
    expect(pins.claim('anna', anna)).toBe('pinned')
    expect(pins.claim('anna', anna)).toBe('held')
    expect(pins.claim('anna', other)).toBe('conflict')
    expect(pins.label('anna', anna)).toBe('anna')
    expect(pins.label('anna', other)).toBe(`anna~${other.toString().slice(0, 3)}`)
  })

  it.each(['ANNA', 'Anna', 'ａｎｎａ', 'an\u00adna', 'anna\u3164', '\u2060anna'])(
    'takes %s for the same name: people would',
    (lookalike) => {
      const pins = new NamePins({ anna: anna.toString() })
      expect(pins.claim(lookalike, other)).toBe('conflict')
    },
  )

  it('keeps pins over a restart', () => {
    const first = new NamePins()
    first.claim('anna', anna)
    const second = new NamePins(first.toJSON())
    expect(second.claim('anna', other)).toBe('conflict')
    expect(second.claim('anna', anna)).toBe('held')
  })

  it('shows as much of the id as tells it from its rivals', () => {
    const pins = new NamePins({ anna: anna.toString() })
    const text = other.toString()
    const rivals = Array.from({ length: 255 }, (_, seed) => idOf(seed)).filter((id) => !id.equals(other))
    const label = pins.label('anna', other, rivals)
    const suffix = label.slice('anna~'.length)
    expect(text.startsWith(suffix)).toBe(true)
    expect(rivals.some((rival) => rival.toString().startsWith(suffix))).toBe(false)
  })

  it('shows one character more than two ids share, and no more for the peer itself in the list', () => {
    const pins = new NamePins({ anna: anna.toString() })
    // Found by trying seeds: both ids begin with pb78.
    const [one, two] = [idOf(423), idOf(1_794)]
    expect(one.toString().slice(0, 4)).toBe(two.toString().slice(0, 4))
    expect(pins.label('anna', one, [anna, two])).toBe(`anna~${one.toString().slice(0, 5)}`)
    expect(pins.label('anna', two, [one, anna])).toBe(`anna~${two.toString().slice(0, 5)}`)
    expect(pins.label('anna', one, [anna, one])).toBe('anna~pb7')
  })

  it('forgets nobody for a stranger when it is full: newcomers are shown with their id', () => {
    const known = Object.fromEntries(Array.from({ length: 9_999 }, (_, index) => [`peer-${index}`, `id-${index}`]))
    const pins = new NamePins({ ...known, anna: anna.toString() })
    expect(pins.claim('newcomer', other)).toBe('full')
    expect(pins.label('newcomer', other)).toMatch(/^newcomer~/)
    expect(pins.claim('anna', other)).toBe('conflict')
    expect(pins.holds('anna', anna)).toBe(true)
  })

  it('lets one id hold four names, so that none fills the table alone', () => {
    const pins = new NamePins({ anna: anna.toString() })
    for (let index = 0; index < 20; index += 1) expect(pins.claim(`name-${index}`, other)).toBe('pinned')
    expect(Object.keys(pins.toJSON())).toEqual(['anna', 'name-16', 'name-17', 'name-18', 'name-19'])
  })
})
