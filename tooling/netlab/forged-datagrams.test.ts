import { readAnnouncement } from '@pc/discovery'
import { createIdentity, createKeyExchange, openNetwork, readSessionPacket } from '@pc/identity'
import { decodeValue, readDatagram } from '@pc/wire'
import { describe, expect, it } from 'vitest'
import {
  announcement,
  cookie,
  type Draw,
  indexIn,
  initiation,
  recordRequest,
  reset,
  response,
  sessionDatagram,
} from './forged-datagrams.js'

const network = openNetwork('office')
const draw: Draw = (bytes) => new Uint8Array(bytes).fill(0xab)
const [index, drawn] = [0x01020304, 0xabababab]

describe('forged datagrams', () => {
  it.each([
    [1, initiation(network, draw), { of: 'sender', index: drawn }],
    [2, response(network, draw, index), { of: 'receiver', index }],
    [3, cookie(network, draw, index), { of: 'receiver', index }],
    [4, recordRequest(network, draw), undefined],
    [6, reset(network, index), { of: 'receiver', index }],
  ])('type %i: members of that network read it, others do not, and its index is found', (type, bytes, found) => {
    expect(readSessionPacket(network, bytes)).toMatchObject({ type })
    expect(readSessionPacket(openNetwork('other'), bytes)).toBe('keyId')
    expect(indexIn(bytes)).toEqual(found)
  })

  it('a first message with the right key is opened by the member it is for', () => {
    const [member, outsider] = [createIdentity(draw(32)), createIdentity(new Uint8Array(32))]
    const random = (length: number): Uint8Array => new Uint8Array(length).fill(3)
    const exchange = createKeyExchange({ identity: outsider, network, random })
    const bytes = initiation(network, draw, (senderIndex) => {
      const begun = exchange.initiate(member.id, new Uint8Array(), senderIndex)
      if (begun === undefined) throw new Error('expected a key that can be agreed with')
      return begun.message
    })
    const packet = readSessionPacket(network, bytes)
    if (typeof packet === 'string' || packet.type !== 1) throw new Error('expected an initiation')
    const respond = createKeyExchange({ identity: member, network, random }).respond(packet.message, packet.senderIndex)
    expect(respond?.remoteId.equals(outsider.id)).toBe(true)
  })

  it('session datagrams and announcements are read as such', () => {
    const session = sessionDatagram(0x80, draw, index, 5)
    expect(readDatagram(session)).toMatchObject({ protection: 2, rootCode: 0x80, receiverIndex: index })
    expect(indexIn(session)).toEqual({ of: 'receiver', index })
    const bytes = announcement(network, draw, 3_485, 7)
    const datagram = readDatagram(bytes)
    if (datagram.protection !== 1) throw new Error('expected an announcement')
    expect(network.verify(datagram.authenticated, datagram.mac)).toBe(true)
    expect(readAnnouncement(decodeValue(datagram.body))).toMatchObject({ wantsAnswers: true, port: 3_485 })
    expect(indexIn(bytes)).toBeUndefined()
  })

  it('finds no index in what was cut short', () => {
    expect(indexIn(sessionDatagram(0x80, draw, index).subarray(0, 5))).toBeUndefined()
    expect(indexIn(response(network, draw, index).subarray(0, 10))).toBeUndefined()
  })
})
