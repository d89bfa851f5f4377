import { expect, test } from 'vitest'
import { openFilesFault } from './open-files.js'

test.each([
  ['no limit, or none that is known', 10_000, undefined],
  ['room for all', 10_000, 10_100],
])('%s', (_what, connections, limit) => {
  expect(openFilesFault(connections, limit)).toBeUndefined()
})

test('one file too few: what was expected, what is there, what to do', () => {
  expect(openFilesFault(10_000, 10_099)).toBe(
    'expected room for 10100 open files per process (10000 connections and 100 others), got a limit of 10099; raise it in the shell ' +
      'that starts this (ulimit -n 10100), or hold at most 9999 (--connections)',
  )
})

test('a limit that leaves no room for any is not talked round', () => {
  expect(openFilesFault(1, 100)).not.toContain('hold at most')
})
