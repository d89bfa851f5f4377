import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/**
 * Ratios of different days can be compared only if the baseline stayed what it was. Whoever changes a file here on purpose measures
 * before and after on a quiet machine, says in the commit what that did to the raw figures, and then enters the new hash.
 */
test.each([
  ['append.ts', 'f649fe6db4a8bfe6'],
  ['dgram.ts', '592f4cddcbc54ffa'],
  ['level.ts', '490f74c6dd47eb1b'],
  ['spread.ts', '4ab04c5bb13999ec'],
  ['tls.ts', '4282a92ff9bbfddc'],
  ['tls-connect.ts', 'd108c9b7dab75939'],
  ['wire.ts', '2178a5c533d6b90d'],
])('the raw baseline %s is as it was when bars were set against it', (file, hash) => {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8').replaceAll('\r\n', '\n')
  expect(createHash('sha256').update(text).digest('hex').slice(0, 16)).toBe(hash)
})
