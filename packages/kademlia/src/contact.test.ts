import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contactOf, HINT_BYTES_IPV6, keyOf, packContact, readContact } from './contact.js'
import { KademliaError } from './errors.js'
import { positionOf } from './position.js'

const ID = Uint8Array.from({ length: 32 }, (_, index) => 255 - index)
const at = (host: string, port = 3_485) => contactOf(ID, { host, port })
const packed = (host: string, port?: number): Uint8Array => packContact(at(host, port)) as Uint8Array

describe('contacts', () => {
  it('are an id, a port and an address on the wire', () => {
    expect(Buffer.from(packed('10.1.2.3')).toString('hex')).toBe(`${Buffer.from(ID).toString('hex')}0d9d0a010203`)
    expect([packed('10.1.2.3').length, packed('fd00::1').length]).toEqual([38, HINT_BYTES_IPV6])
    for (const [host, port] of [
      ['10.1.2.3', 1],
      ['192.168.0.255', 65_535],
      ['fd00::1', 256],
    ] as const) {
      expect(readContact(packed(host, port))).toEqual(at(host, port))
    }
  })

  it('own their bytes', () => {
    const id = Uint8Array.from(ID)
    const contact = contactOf(id, { host: '10.0.0.1', port: 1 })
    const bytes = packed('10.0.0.1')
    const read = readContact(bytes)
    id.fill(0)
    bytes.fill(0)
    for (const each of [contact, read]) {
      expect([each.key, Buffer.from(each.position)]).toEqual([keyOf(ID), Buffer.from(positionOf(ID))])
      expect(Buffer.from(each.id)).toEqual(Buffer.from(ID))
    }
  })

  it('with a scope, or a name for an address, are not for others', () => {
    expect([packContact(at('fe80::1%eth0')), packContact(at('printer.local'))]).toEqual([undefined, undefined])
  })

  it('to which nothing could be sent are no contacts', () => {
    for (const [host, port] of [
      ['0.0.0.0', 1],
      ['224.0.0.251', 1],
      ['255.255.255.255', 1],
      ['::', 1],
      ['ff02::1', 1],
      ['::ffff:10.0.0.1', 1],
      ['10.0.0.1', 0],
    ] as const) {
      expect(() => readContact(packed(host, port)), host).toThrow(KademliaError)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        if (bytes.length === 38 || bytes.length === 50) return
        expect(() => readContact(bytes)).toThrow(expect.objectContaining({ code: 'BAD_MESSAGE' }))
      }),
    )
  })

  it('are told apart by their ids, byte for byte', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (id) => {
        expect(Buffer.from(keyOf(id), 'latin1')).toEqual(Buffer.from(id))
      }),
    )
  })
})
