import { describe, expect, it } from 'vitest'
import { Priority } from '../priority.js'
import { DEFAULT_PEER_QUOTA, PeerQuota } from './peer-quota.js'

function allowed(quota: PeerQuota, times: number, now: number, bytes: number, priority: number): number {
  let count = 0
  for (let n = 0; n < times; n++) if (quota.allow(now, bytes, priority)) count++
  return count
}

describe('PeerQuota', () => {
  it('lets 1,000 datagrams pass at once, then 500 a second', () => {
    const quota = new PeerQuota(DEFAULT_PEER_QUOTA)
    expect(allowed(quota, 2_000, 0, 40, Priority.READ)).toBe(1_000)
    expect(allowed(quota, 2_000, 1_000, 40, Priority.READ)).toBe(500)
  })

  it('lets half a megabyte pass at once, then a quarter a second', () => {
    const quota = new PeerQuota(DEFAULT_PEER_QUOTA)
    expect(allowed(quota, 2_000, 0, 1_024, Priority.READ)).toBe(512)
    expect(allowed(quota, 2_000, 1_000, 1_024, Priority.READ)).toBe(256)
  })

  it('keeps half of the burst for the upper classes', () => {
    const quota = new PeerQuota(DEFAULT_PEER_QUOTA)
    expect(allowed(quota, 2_000, 0, 40, Priority.DISCOVERY)).toBe(500)
    expect(allowed(quota, 2_000, 0, 40, Priority.SEARCH)).toBe(0)
    expect(allowed(quota, 2_000, 0, 40, Priority.READ)).toBe(500)
  })

  it('charges no bytes to a datagram that is one too many', () => {
    const quota = new PeerQuota({
      packets: { ratePerSecond: 1, burst: 1 },
      bytes: { ratePerSecond: 1_000, burst: 1_000 },
    })
    expect(allowed(quota, 100, 0, 900, Priority.READ)).toBe(1)
    expect(allowed(quota, 1, 1_000, 900, Priority.READ)).toBe(1)
  })
})
