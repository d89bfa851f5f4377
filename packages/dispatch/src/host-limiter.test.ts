import { expect, test } from 'vitest'
import { HostLimiter } from './host-limiter.js'

const share = (limiter: HostLimiter, host: string): number =>
  Array.from({ length: 5_000 }, () => limiter.allow(host, 0)).filter(Boolean).length

test('each host has its bucket, and those of loopback are wider', () => {
  const limiter = new HostLimiter()
  for (const host of ['10.0.0.1', '10.0.0.2', '10.127.0.1', 'fe80::1%lo', '::2', '::ffff:127.0.0.1']) {
    expect([host, share(limiter, host)]).toEqual([host, 40])
  }
  for (const host of ['127.0.0.1', '127.9.9.9', '::1']) expect([host, share(limiter, host)]).toEqual([host, 2_000])
})

test('both can be told what to allow', () => {
  const limiter = new HostLimiter({ burst: 3 }, { burst: 5 })
  expect(['10.0.0.1', '127.0.0.1'].map((host) => share(limiter, host))).toEqual([3, 5])
})
