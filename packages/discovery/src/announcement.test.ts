import { DATAGRAM_LIMITS, decodeValue, encodeValue, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type AnnouncementBody, packAnnouncement, readAnnouncement } from './announcement.js'

const blindedId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const nonce = Uint8Array.of(9, 10, 11, 12, 13, 14, 15, 16)
const body: AnnouncementBody = { wantsAnswers: true, blindedId, epoch: 0xfedcba98, port: 3485, estimate: 258, nonce }
const numbers = Uint8Array.of(0, 0, 0, 5, 0x0d, 0x9d, 0, 0)
const value = (changes: Record<number, Value>): Value =>
  Object.assign([1, blindedId, numbers, nonce] as Value[], changes)

describe('announcement body', () => {
  it('has a fixed form on the wire', () => {
    expect(Buffer.from(encodeValue(packAnnouncement(body))).toString('hex')).toBe(
      '9401c4080102030405060708c408fedcba980d9d0102c408090a0b0c0d0e0f10',
    )
    expect(Buffer.from(encodeValue(packAnnouncement({ ...body, wantsAnswers: false }))).toString('hex')).toMatch(
      /^9400/,
    )
  })

  it('property: is read as it was packed, always in 32 bytes', () => {
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
        expect(bytes.length).toBe(32)
        const read = readAnnouncement(decodeValue(bytes, DATAGRAM_LIMITS))
        expect(read && { ...read }).toEqual({ ...one })
      }),
    )
  })

  it('carries no estimate above 65535, and ignores flags it does not know', () => {
    expect(readAnnouncement(packAnnouncement({ ...body, estimate: 70_000 }))?.estimate).toBe(65_535)
    expect(readAnnouncement(value({ 0: 0x7f }))?.wantsAnswers).toBe(true)
    expect(readAnnouncement(value({ 0: 0x7e }))?.wantsAnswers).toBe(false)
  })

  it('copies its bytes', () => {
    const bytes = Uint8Array.from(nonce)
    const read = readAnnouncement(value({ 3: bytes }))
    bytes.fill(0)
    expect(read?.nonce).toEqual(nonce)
  })

  it.each<[string, Value]>([
    ['no array', { flags: 1 }],
    ['nothing', null],
    ['too short', (value({}) as Value[]).slice(0, 3)],
    ['too long', [...(value({}) as Value[]), 1]],
    ['flags of two bytes', value({ 0: 128 })],
    ['negative flags', value({ 0: -1 })],
    ['a boolean flag', value({ 0: true })],
    ['a short blinded id', value({ 1: new Uint8Array(7) })],
    ['a long blinded id', value({ 1: new Uint8Array(9) })],
    ['a blinded id as text', value({ 1: '12345678' })],
    ['short numbers', value({ 2: numbers.subarray(1) })],
    ['long numbers', value({ 2: Uint8Array.of(...numbers, 0) })],
    ['numbers as a list', value({ 2: [5, 3485, 0] })],
    ['port 0', value({ 2: Uint8Array.of(0, 0, 0, 5, 0, 0, 0, 0) })],
    ['a short nonce', value({ 3: new Uint8Array(0) })],
    ['no nonce', value({ 3: null })],
  ])('refuses %s', (_, bad) => {
    expect(readAnnouncement(bad)).toBeUndefined()
  })
})
