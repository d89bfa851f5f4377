import { describe, expect, test } from 'vitest'
import { NOTHING, OFFICE } from '../test/_util/sessions.js'
import { codeOf } from '../test/_util/vectors.js'
import { openNetwork } from './network.js'
import {
  MAX_EARLY_BYTES,
  packSessionPacket,
  readSessionPacket,
  receiverIndexOf,
  type SessionPacket,
  sessionPacketTypeOf,
} from './session-packets.js'

const bytes = (length: number, first = 1) => Buffer.from(Array.from({ length }, (_, index) => (first + index) & 0xff))
/** One of each type, with its whole length. */
const PACKETS: readonly [string, SessionPacket, number][] = [
  ['INITIATION', { type: 1, senderIndex: 2 ** 32 - 1, cookie: bytes(16), message: bytes(128) }, 171],
  ['INITIATION, full', { type: 1, senderIndex: 1, cookie: bytes(16), message: bytes(128 + MAX_EARLY_BYTES) }, 1_200],
  ['RESPONSE', { type: 2, receiverIndex: 0x01020304, message: bytes(52) }, 79],
  ['COOKIE', { type: 3, receiverIndex: 0x80000000, cookie: bytes(16) }, 43],
  ['RECORD_REQUEST', { type: 4, nonce: bytes(8) }, 400],
  ['RECORD', { type: 5, nonce: bytes(8), cookie: bytes(16, 50), sealNonce: bytes(12, 90), sealed: bytes(16) }, 75],
  ['RECORD, full', { type: 5, nonce: bytes(8), cookie: bytes(16), sealNonce: bytes(12), sealed: bytes(316) }, 375],
  ['RESET', { type: 6, receiverIndex: 0 }, 27],
]

describe.each(PACKETS)('%s', (_name, packet, length) => {
  const packed = packSessionPacket(OFFICE, packet)

  test('is read as it was packed', () => {
    expect(packed).toHaveLength(length)
    expect(readSessionPacket(OFFICE, packed)).toEqual(packet)
    expect(sessionPacketTypeOf(packed)).toBe(packet.type)
    if ('receiverIndex' in packet) expect(receiverIndexOf(packed)).toBe(packet.receiverIndex)
  })

  test('has its header, and the MAC of the network over everything before it', () => {
    expect([...packed.subarray(0, 7)]).toEqual([0x03, 0x13, packet.type, 0x56, 0x42, 0x43, 0x9b])
    expect(OFFICE.verify(packed.subarray(0, -16), packed.subarray(-16))).toBe(true)
  })

  test('is nothing to another network', () => {
    expect(readSessionPacket(openNetwork('other'), packed)).toBe('keyId')
    const sameKeyId = { ...openNetwork('other'), keyId: OFFICE.keyId, psk: OFFICE.psk }
    expect(readSessionPacket(sameKeyId, packed)).toBe('mac')
  })

  test('is read under no other header, whatever the MAC says', () => {
    for (const [offset, value] of [
      [0, 0x01],
      [0, 0x83],
      [1, 0x11],
      [1, 0x12],
      [1, 0x23],
      [2, 0],
      [2, 7],
      [2, 255],
    ] as const) {
      expect(readSessionPacket(OFFICE, withMac(packed, offset, value))).toBe('length')
    }
  })

  test('has no other length', () => {
    const ranges: Readonly<Record<number, readonly [number, number]>> = { 1: [171, 1_200], 5: [75, 375] }
    const [least, most] = ranges[packet.type] ?? [length, length]
    for (const wrong of [0, 1, 2, 3, 7, least - 1, most + 1, 1_201]) {
      const other = Buffer.alloc(wrong)
      other.set(packed.subarray(0, wrong))
      expect(readSessionPacket(OFFICE, other)).toBe('length')
    }
    for (const right of [least, most]) {
      const other = Buffer.alloc(right)
      other.set(packed.subarray(0, right))
      expect(readSessionPacket(OFFICE, other)).not.toBe('length')
    }
  })
})

test('no answer is longer than what it answers', () => {
  const most = (type: number) =>
    Math.max(...PACKETS.filter(([, packet]) => packet.type === type).map(([, , length]) => length))
  const least = (type: number) =>
    Math.min(...PACKETS.filter(([, packet]) => packet.type === type).map(([, , length]) => length))
  expect([most(2) <= least(1), most(3) <= least(1), most(5) <= least(4), most(6) <= 30]).toEqual([
    true,
    true,
    true,
    true,
  ])
})

test.each<[string, SessionPacket]>([
  ['a short cookie', { type: 3, receiverIndex: 1, cookie: bytes(15) }],
  ['a long cookie', { type: 1, senderIndex: 1, cookie: bytes(17), message: bytes(128) }],
  ['a short message 1', { type: 1, senderIndex: 1, cookie: bytes(16), message: bytes(127) }],
  [
    'a message 1 that is too long',
    { type: 1, senderIndex: 1, cookie: bytes(16), message: bytes(129 + MAX_EARLY_BYTES) },
  ],
  ['a message 2 of another length', { type: 2, receiverIndex: 1, message: bytes(51) }],
  ['a short nonce', { type: 4, nonce: bytes(7) }],
  ['no sealed record', { type: 5, nonce: bytes(8), cookie: bytes(16), sealNonce: bytes(12), sealed: NOTHING }],
  [
    'a record that is too long',
    { type: 5, nonce: bytes(8), cookie: bytes(16), sealNonce: bytes(12), sealed: bytes(317) },
  ],
  ['a long seal nonce', { type: 5, nonce: bytes(8), cookie: bytes(16), sealNonce: bytes(13), sealed: bytes(16) }],
  ['an index over 32 bits', { type: 6, receiverIndex: 2 ** 32 }],
  ['a negative index', { type: 6, receiverIndex: -1 }],
  ['a fractional index', { type: 1, senderIndex: 0.5, cookie: bytes(16), message: bytes(128) }],
])('packing refuses %s', (_what, packet) => {
  expect(codeOf(() => packSessionPacket(OFFICE, packet))).toBe('BAD_ARGUMENT')
})

/** With that byte changed and a right MAC again. */
function withMac(packed: Uint8Array, offset: number, value: number): Uint8Array {
  const changed = Buffer.from(packed)
  changed[offset] = value
  changed.set(OFFICE.mac(changed.subarray(0, -16)), changed.length - 16)
  return changed
}
