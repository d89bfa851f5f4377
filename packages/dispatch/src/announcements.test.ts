import { encodeValue, type MacDatagram, packMacDatagram, readDatagram, type Value } from '@pc/wire'
import { describe, expect, it } from 'vitest'
import { fakeSocket, OPEN } from '../test/_util/doors.js'
import { type Announcement, Announcements } from './announcements.js'

const [OURS, THEIRS] = [new Uint8Array(8).fill(1), new Uint8Array(8).fill(2)]
const FROM = { host: '192.0.2.7', port: 3_485 }
const via = fakeSocket()

function datagram(sentAt: number, body: Uint8Array = encodeValue(['hello']), mac = OPEN.mac): MacDatagram {
  const fields = { rootCode: 1, keyId: OPEN.keyId, sentAt, bootId: THEIRS, body }
  return readDatagram(packMacDatagram(fields, mac)) as MacDatagram
}

const read = (announcements: Announcements, one: MacDatagram): Announcement | string =>
  announcements.read(one, FROM, via)

describe('Announcements', () => {
  it('reads what another one packs, with stamps that rise though the clock does not', () => {
    const [ours, theirs] = [new Announcements(OPEN, OURS, undefined), new Announcements(OPEN, THEIRS, undefined)]
    const packed = [5_000.7, 5_000.9, 4_000, 9_000].map((unixNow) => theirs.pack(1, ['x', unixNow], unixNow))
    const heard = packed.map((bytes) => read(ours, readDatagram(bytes) as MacDatagram) as Announcement)
    expect(heard.map(({ sentAt }) => sentAt)).toEqual([5_000, 5_001, 5_002, 9_000])
    expect(heard[2]).toEqual({ rootCode: 1, body: ['x', 4_000], bootId: THEIRS, sentAt: 5_002, from: FROM, via })
  })

  it('knows its own', () => {
    const ours = new Announcements(OPEN, OURS, undefined)
    expect(ours.isOwn(readDatagram(ours.pack(1, null, 1)) as MacDatagram)).toBe(true)
    expect(ours.isOwn(datagram(1))).toBe(false)
  })

  it('remembers the stamp of what its MAC proves, and of nothing else', () => {
    const ours = new Announcements(OPEN, OURS, undefined)
    const wrong = datagram(2 ** 48 - 1, undefined, () => new Uint8Array(16))
    expect(read(ours, wrong)).toBe('mac')
    expect(read(ours, { ...datagram(9), keyId: 0 })).toBe('keyId')
    expect(read(ours, datagram(7, Uint8Array.of(0xc1)))).toBe('decode')
    expect(read(ours, datagram(7))).toBe('replay')
    expect(read(ours, datagram(8))).toMatchObject({ sentAt: 8 })
  })

  it('keeps its own copy of the boot id, and of nothing a whole datagram', () => {
    const boot = Uint8Array.from(OURS)
    const ours = new Announcements(OPEN, boot, undefined)
    boot.fill(9)
    const packed = readDatagram(ours.pack(1, null, 1)) as MacDatagram
    expect([...packed.bootId]).toEqual([...OURS])
    const heard = read(new Announcements(OPEN, THEIRS, undefined), packed) as Announcement
    expect(heard.bootId.buffer.byteLength).toBe(8)
  })

  it('refuses a boot id that is none, and bodies without a form', () => {
    expect(() => new Announcements(OPEN, new Uint8Array(7), undefined)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
    const ours = new Announcements(OPEN, OURS, undefined)
    for (const body of [new Uint8Array(1_200), (() => {}) as unknown as Value]) {
      expect(() => ours.pack(1, body, 1)).toThrow(expect.objectContaining({ name: 'WireError' }) as Error)
    }
  })
})
