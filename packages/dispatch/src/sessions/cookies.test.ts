import { SeededRandom } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { Cookies, NO_COOKIE } from './cookies.js'

const ADDRESS = { host: '10.0.0.1', port: 3_485 }
const cookies = (): Cookies => new Cookies(new SeededRandom(1))

describe('Cookies', () => {
  it('fit the address they are for, and no other', () => {
    const jar = cookies()
    const cookie = jar.of(ADDRESS, 0)
    expect(cookie).toHaveLength(16)
    expect(jar.fits(cookie, ADDRESS, 1)).toBe(true)
    expect(jar.fits(cookie, { ...ADDRESS, host: '10.0.0.2' }, 1)).toBe(false)
    expect(jar.fits(cookie, { ...ADDRESS, port: 3_486 }, 1)).toBe(false)
  })

  it('fit in every bit, or not', () => {
    const jar = cookies()
    const cookie = jar.of(ADDRESS, 0)
    for (let bit = 0; bit < 128; bit++) {
      const wrong = Uint8Array.from(cookie)
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(jar.fits(wrong, ADDRESS, 0)).toBe(false)
    }
    expect(jar.fits(cookie.subarray(0, 15), ADDRESS, 0)).toBe(false)
    expect(jar.fits(NO_COOKIE, ADDRESS, 0)).toBe(false)
  })

  it.each([
    [0, 60_000, true],
    [0, 119_999, true],
    [59_999, 119_999, true],
    [0, 120_000, false],
    [0, 500_000, false],
  ])('given at %d ms, at %d ms it is good: %s', (given, later, good) => {
    const jar = cookies()
    jar.of(ADDRESS, 0)
    const cookie = jar.of(ADDRESS, given)
    if (later >= 60_000) jar.of(ADDRESS, 60_000)
    expect(jar.fits(cookie, ADDRESS, later)).toBe(good)
  })

  it('after a long silence no former secret is good', () => {
    const jar = cookies()
    const cookie = jar.of(ADDRESS, 0)
    expect(jar.fits(cookie, ADDRESS, 120_000)).toBe(false)
  })

  it('are those of one endpoint alone', () => {
    expect(new Cookies(new SeededRandom(2)).fits(cookies().of(ADDRESS, 0), ADDRESS, 0)).toBe(false)
  })
})
