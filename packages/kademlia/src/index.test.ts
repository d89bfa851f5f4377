import { expect, it } from 'vitest'
import * as kademlia from './index.js'

it('exports what users need and nothing else', () => {
  expect(Object.keys(kademlia).sort()).toEqual([
    'Kademlia',
    'KademliaError',
    'LIST_COUNT',
    'LIST_KEYS',
    'Lookup',
    'MAX_RECORD',
    'MAX_SALT_AND_VALUE_BYTES',
    'MAX_SALT_BYTES',
    'MAX_VALUE_BYTES',
    'RECORD_TTL_MS',
    'RecordStore',
    'RoutingTable',
    'commonPrefix',
    'compareDistance',
    'compareRecords',
    'contactOf',
    'keyOf',
    'listOf',
    'namespaceOf',
    'plainKey',
    'plainRecord',
    'positionOf',
    'readRecord',
    'signLeave',
    'signRecord',
    'signedKey',
    'verifyLeave',
    'verifyRecord',
    'wantsToStore',
  ])
})
