import { describe, expect, it } from 'vitest'
import { HandshakeGuard } from './handshake-limits.js'

const HOST = '10.0.0.1'

describe('HandshakeGuard', () => {
  it('asks for no cookie in a calm network, and for one from everybody above 100/s, until it was calm for 2 s', () => {
    const guard = new HandshakeGuard()
    let asked = 0
    for (let n = 0; n < 101; n++) if (guard.mustHaveCookie(0)) asked++
    expect(asked).toBe(1)
    expect(guard.mustHaveCookie(500)).toBe(true)
    expect(guard.underLoad(1_999)).toBe(true)
    expect(guard.underLoad(2_000)).toBe(false)
    expect(guard.mustHaveCookie(2_000)).toBe(false)
  })

  it('charges an address for those only who proved to be there', () => {
    const guard = new HandshakeGuard()
    for (let n = 0; n < 100; n++) expect(guard.mayAnswer(HOST, false, 0)).toBe(true)
    let answered = 0
    for (let n = 0; n < 100; n++) if (guard.mayAnswer(HOST, true, 0)) answered++
    expect(answered).toBe(40)
    expect(guard.mayAnswer('10.0.0.2', true, 0)).toBe(true)
  })

  it('has a budget for all together, and an address loses nothing while that is used up', () => {
    const guard = new HandshakeGuard({
      inTotal: { ratePerSecond: 10, burst: 10 },
      perAddress: { ratePerSecond: 1, burst: 1 },
    })
    for (let n = 0; n < 10; n++) guard.mayAnswer('10.0.0.9', false, 0)
    expect(guard.mayAnswer(HOST, true, 0)).toBe(false)
    expect(guard.mayAnswer(HOST, true, 100)).toBe(true)
    expect(guard.mayAnswer(HOST, true, 300)).toBe(false)
  })

  it('is wider on loopback, where all peers of a machine share an address', () => {
    const guard = new HandshakeGuard()
    let answered = 0
    for (let n = 0; n < 400; n++) if (guard.mayAnswer('127.0.0.1', true, 0)) answered++
    expect(answered).toBe(400)
  })

  it('hints at an unknown session once a second and address', () => {
    const guard = new HandshakeGuard()
    expect([0, 1, 999, 1_000].map((now) => guard.mayReset(HOST, 1, now))).toEqual([true, false, false, true])
    expect(guard.mayReset(HOST, 2, 1_000)).toBe(true)
  })

  it('hints so many times a second in all', () => {
    const guard = new HandshakeGuard({ resets: { ratePerSecond: 10, burst: 3 } })
    expect([1, 2, 3, 4].map((port) => guard.mayReset(HOST, port, 0))).toEqual([true, true, true, false])
    expect(guard.mayReset(HOST, 4, 100)).toBe(true)
  })
})
