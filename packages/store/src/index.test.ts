import { expect, it } from 'vitest'
import * as store from './index.js'

it('exports what users need and nothing else', () => {
  expect(Object.keys(store).sort()).toEqual([
    'STORE_LIMITS',
    'StoreError',
    'createMemoryBackend',
    'openStore',
    'prefixRange',
    'readSequence',
    'sequenceKey',
  ])
})
