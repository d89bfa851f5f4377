import { expect, test } from 'vitest'
import * as wire from './index.js'

test('the public surface is this list', () => {
  expect(Object.keys(wire).sort()).toStrictEqual([
    'DATAGRAM_LIMITS',
    'FrameDecoder',
    'FrameWriter',
    'InvalidPacketError',
    'MAX_BULK_FRAME',
    'MAX_CONTROL_FRAME',
    'MAX_DATAGRAM',
    'MAX_FRAME',
    'MAX_U48',
    'MessageReader',
    'PROTOCOL_VERSION',
    'Protection',
    'RootCode',
    'STREAM_LIMITS',
    'WireError',
    'bytesOfKey',
    'decodeMessage',
    'decodeValue',
    'encodeFrame',
    'encodeMessage',
    'encodeValue',
    'keyOfBytes',
    'packMacDatagram',
    'putU48',
    'readDatagram',
    'recycle',
    'u48',
    'viewOf',
  ])
})

test('numbers that others rely on stay', () => {
  expect(wire.RootCode).toStrictEqual({ KADEMLIA: 0, DISCOVERY: 1, GOSSIP: 2, SESSION: 3, MEMBERSHIP: 4 })
  expect(wire.Protection).toStrictEqual({ NONE: 0, NETWORK_MAC: 1, SESSION: 2, HANDSHAKE: 3 })
  expect(wire.PROTOCOL_VERSION).toBe(1)
})
