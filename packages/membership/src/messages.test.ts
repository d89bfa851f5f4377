import { keyOfBytes } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { person } from '../test/_util/people.js'
import { MembershipError } from './errors.js'
import { type Message, packMessage, readPacket } from './messages.js'
import { readStatement, StatementKind, signStatement, verifyStatement } from './statements.js'

const [anna, ben] = [person('anna'), person('ben')]
const suspect = signStatement(anna.identity, StatementKind.SUSPECT, ben.id, 7)
const leave = signStatement(anna.identity, StatementKind.LEAVE, anna.id, 2 ** 48 - 1)
const target = keyOfBytes(ben.id.bytes)
const MESSAGES: Message[] = [
  { type: 'ping', sequence: 0 },
  { type: 'ack', sequence: 2 ** 32 - 1 },
  { type: 'ping-req', sequence: 9, target },
  { type: 'nack', sequence: 1 },
  { type: 'statements' },
]

describe('packets', () => {
  it.each(MESSAGES)('carry $type with statements there and back', (message) => {
    const bytes = packMessage(message, 2 ** 48 - 2, [suspect, leave])
    expect(readPacket(bytes)).toEqual({ message, incarnation: 2 ** 48 - 2, statements: [suspect, leave] })
  })

  it('are as the page says, byte for byte', () => {
    const hex = Buffer.from(packMessage({ type: 'ping-req', sequence: 258, target }, 65_537, [])).toString('hex')
    expect(hex).toBe(`02000000010001${'00000102'}${Buffer.from(ben.id.bytes).toString('hex')}`)
  })

  it('carry six statements at most, and have room for them', () => {
    const bytes = packMessage({ type: 'ping-req', sequence: 1, target }, 1, Array(9).fill(suspect))
    expect(readPacket(bytes).statements).toHaveLength(6)
    expect(bytes.length).toBeLessThanOrEqual(1_100)
    const one = packMessage({ type: 'statements' }, 1, [suspect])
    const seven = Buffer.concat([one, ...Array(6).fill(one.subarray(7))])
    expect(() => readPacket(seven)).toThrow(expect.objectContaining({ code: 'BAD_PACKET' }))
  })

  it('of a later version are no fault: unknown types and unknown kinds of statements are left out', () => {
    const bytes = packMessage({ type: 'statements' }, 1, [suspect])
    expect(readPacket(Buffer.concat([bytes, Buffer.from([3, 200, 1, 2])])).statements).toEqual([suspect])
    bytes[0] = 77
    expect(readPacket(bytes)).toEqual({ incarnation: 1, message: undefined, statements: [] })
  })

  it('that are none are BAD_PACKET, whatever they are', () => {
    const base = packMessage({ type: 'ping', sequence: 1 }, 1, [suspect, leave])
    fc.assert(
      fc.property(fc.nat(base.length), fc.uint8Array({ maxLength: 40 }), fc.boolean(), (cut, more, keep) => {
        const bytes = Buffer.concat([keep ? base.subarray(0, cut) : new Uint8Array(), more])
        try {
          readPacket(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(MembershipError)
          expect(error).toMatchObject({ code: 'BAD_PACKET' })
        }
      }),
    )
  })
})

describe('statements', () => {
  it('are read back, and are their signer’s alone', () => {
    expect(readStatement(suspect.bytes)).toEqual(suspect)
    expect(readStatement(leave.bytes)).toEqual(leave)
    expect(verifyStatement(suspect, anna.id)).toBe(true)
    expect(verifyStatement(suspect, ben.id)).toBe(false)
    expect(verifyStatement(leave, anna.id)).toBe(true)
  })

  it('no longer hold when any byte is another one', () => {
    for (let at = 0; at < suspect.bytes.length; at++) {
      const bytes = suspect.bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
      expect(verifyStatement({ ...suspect, bytes }, anna.id), `byte ${at}`).toBe(false)
    }
  })
})
