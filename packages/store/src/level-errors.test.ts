import { expect, it } from 'vitest'
import { asOpeningError, asRunningError } from './level-errors.js'

function leveldb(code: string, message: string): Error {
  return new Error('Database failed to open', { cause: Object.assign(new Error(message), { code }) })
}

it.each([
  ['LEVEL_LOCKED', 'IO error: lock /x/LOCK: already held by process', 'STORE_LOCKED'],
  ['LEVEL_CORRUPTION', 'Corruption: 1 missing files; e.g.: /x/000005.ldb', 'STORE_CORRUPT'],
  ['LEVEL_IO_ERROR', 'IO error: /x/MANIFEST-000004: No such file or directory', 'STORE_CORRUPT'],
  ['LEVEL_IO_ERROR', 'IO error: /x/000007.ldb: No space left on device', 'STORE_FULL'],
  ['LEVEL_IO_ERROR', 'IO error: /x/000007.ldb: Disk quota exceeded', 'STORE_FULL'],
  ['LEVEL_IO_ERROR', 'IO error: /x/LOCK: Permission denied', 'STORE_FAILED'],
])('opening: %s, %s: %s', (code, message, expected) => {
  const error = asOpeningError(leveldb(code, message), '/x')
  expect(error).toMatchObject({ code: expected, path: '/x' })
  expect(error.message).toContain('/x')
})

it.each([
  ['LEVEL_IO_ERROR', 'IO error: /x/000003.log: No space left on device', 'STORE_FULL'],
  ['LEVEL_IO_ERROR', 'IO error: /x/000003.log: Input/output error', 'STORE_FAILED'],
  ['LEVEL_CORRUPTION', 'Corruption: bad entry in block', 'STORE_CORRUPT'],
])('running: %s, %s: %s', (code, message, expected) => {
  expect(asRunningError(Object.assign(new Error(message), { code }), '/x')).toMatchObject({ code: expected })
  expect(asOpeningError(asRunningError(new Error('x'), '/x'), '/y').path).toBe('/x')
})
