import { DATAGRAM_LIMITS, decodeValue, encodeValue, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnnouncementBody, packAnnouncement, readAnnouncement } from './announcement.js'

const blindedId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const nonce = Uint8Array.of(9, 10, 11, 12, 13, 14, 15, 16)
const body: AnnouncementBody = { wantsAnswers: true, blindedId, epoch: 0xfedcba98, port: 3485, estimate: 258, nonce }
const value = (changes: Record<number, Value>): Value =>
  Object.assign([1, blindedId, 5, 3_485, 0, nonce] as Value[], changes)

describe('announcement body', () => {
  it('has a fixed form on the wire', () => {
    expect(Buffer.from(encodeValue(packAnnouncement(body))).toString('hex')).toBe(
      '9601c4080102030405060708cefedcba98cd0d9dcd0102c408090a0b0c0d0e0f10',
    )
    expect(Buffer.from(encodeValue(packAnnouncement({ ...body, wantsAnswers: false }))).toString('hex')).toMatch(
      /^9600/,
    )
  })

  it('property: is read as it was packed, in at most 60 bytes', () => {
    const bodies = fc.record({
      wantsAnswers: fc.boolean(),
      blindedId: fc.uint8Array({ minLength: 8, maxLength: 8 }),
      epoch: fc.integer({ min: 0, max: 0xffff_ffff }),
      port: fc.integer({ min: 1, max: 65_535 }),
      estimate: fc.integer({ min: 0, max: 65_535 }),
      nonce: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    })
    fc.assert(
      fc.property(bodies, (one) => {
        const bytes = encodeValue(packAnnouncement(one))
        expect(bytes.length).toBeLessThanOrEqual(60)
        const read = readAnnouncement(decodeValue(bytes, DATAGRAM_LIMITS))
        expect(read && { ...read }).toEqual({ ...one })
      }),
    )
  })

  it('carries no estimate above 65535, and ignores flags it does not know', () => {
    expect(readAnnouncement(packAnnouncement({ ...body, estimate: 70_000 }))?.estimate).toBe(65_535)
    expect(readAnnouncement(value({ 0: 0xff }))?.wantsAnswers).toBe(true)
    expect(readAnnouncement(value({ 0: 0xfe }))?.wantsAnswers).toBe(false)
  })

  it('copies its bytes', () => {
    const bytes = Uint8Array.from(nonce)
    const read = readAnnouncement(value({ 5: bytes }))
    bytes.fill(0)
    expect(read?.nonce).toEqual(nonce)
  })

  it.each<[string, Value]>([
    ['no array', { flags: 1 }],
    ['nothing', null],
    ['too short', (value({}) as Value[]).slice(0, 5)],
    ['too long', [...(value({}) as Value[]), 1]],
    ['flags above a byte', value({ 0: 256 })],
    ['negative flags', value({ 0: -1 })],
    ['a boolean flag', value({ 0: true })],
    ['a short blinded id', value({ 1: new Uint8Array(7) })],
    ['a long blinded id', value({ 1: new Uint8Array(9) })],
    ['a blinded id as text', value({ 1: '12345678' })],
    ['a broken epoch', value({ 2: 1.5 })],
    ['an epoch above 32 bits', value({ 2: 2 ** 32 })],
    ['port 0', value({ 3: 0 })],
    ['port 65536', value({ 3: 65_536 })],
    ['a negative port', value({ 3: -1 })],
    ['a negative estimate', value({ 4: -1 })],
    ['an estimate above 16 bits', value({ 4: 65_536 })],
    ['a short nonce', value({ 5: new Uint8Array(0) })],
    ['no nonce', value({ 5: null })],
  ])('refuses %s', (_, bad) => {
    expect(readAnnouncement(bad)).toBeUndefined()
  })
})
