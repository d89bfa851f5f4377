import { expect, it } from 'vitest'
import { RoundTripEstimate } from './round-trip.js'

it('waits 25 ms before anything is known, then srtt + 4 · var as in RFC 6298, from 10 to 250 ms', () => {
  const roundTrip = new RoundTripEstimate()
  expect([roundTrip.smoothed, roundTrip.timeoutMs]).toEqual([undefined, 25])
  roundTrip.measured(20)
  expect([roundTrip.smoothed, roundTrip.timeoutMs]).toEqual([20, 60])
  roundTrip.measured(28)
  // var = 10 + (8 − 10) / 4 by the old srtt, srtt = 20 + 8 / 8.
  expect([roundTrip.smoothed, roundTrip.timeoutMs]).toEqual([21, 21 + 4 * 9.5])
  for (let index = 0; index < 200; index++) roundTrip.measured(1)
  expect(roundTrip.timeoutMs).toBe(10)
  for (let index = 0; index < 200; index++) roundTrip.measured(4_000)
  expect(roundTrip.timeoutMs).toBe(250)
})
