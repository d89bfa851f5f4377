import { expect, it } from 'vitest'
import * as gossip from './index.js'

it('exports what users need and nothing else', () => {
  expect(Object.keys(gossip).sort()).toEqual([
    'Gossip',
    'GossipError',
    'GossipState',
    'MAX_ANSWER_BYTES',
    'MAX_EXCHANGE_BYTES',
    'MAX_INLINE_BODY',
    'MAX_PACKET_BYTES',
    'MAX_RUMOR_BYTES',
    'MAX_TTL_MS',
    'RumorKind',
    'isQueryPacket',
    'readExchange',
    'readPacket',
    'readRumor',
    'signRumor',
    'verifyRumor',
  ])
})
