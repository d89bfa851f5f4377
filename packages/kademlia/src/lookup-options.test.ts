import { expect, test } from 'vitest'
import { KademliaError } from './errors.js'
import { type LookupOptions, resolveLookupOptions } from './lookup-options.js'

test('the defaults are k = 20, alpha = 3, one path, two contacts of a host, and 25 ms', () => {
  const { slowAfterMs, ...rest } = resolveLookupOptions({})
  expect(rest).toEqual({ self: undefined, count: 20, parallelism: 3, paths: 1, perAddress: 2, maxRequests: 120 })
  expect(
    slowAfterMs({ id: new Uint8Array(32), address: { host: '::1', port: 1 }, position: new Uint8Array(32), key: '' }),
  ).toBe(25)
  expect(resolveLookupOptions({ count: 5 }).maxRequests).toBe(30)
})

test('what is no number in its range is refused', () => {
  const bad: LookupOptions[] = [
    { count: 0 },
    { count: 1_001 },
    { parallelism: 0 },
    { parallelism: 1.5 },
    { paths: 0 },
    { paths: 33 },
    { perAddress: Number.NaN },
    { maxRequests: -1 },
  ]
  for (const options of bad) {
    expect(() => resolveLookupOptions(options)).toThrow(
      expect.objectContaining({
        name: KademliaError.name,
        code: 'BAD_OPTION',
        message: expect.stringContaining(Object.keys(options)[0] ?? ''),
      }),
    )
  }
})
