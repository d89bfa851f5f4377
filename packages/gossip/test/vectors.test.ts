/** The files in `vectors`, which peers in other languages are tested with too; they were not made with this code. */
import { readFileSync } from 'node:fs'
import { createIdentity } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import {
  type Hop,
  readExchange,
  readPacket,
  readRumor,
  signRumor,
  type VectorEntry,
  verifyRumor,
} from '../src/index.js'

/** @returns a short name, what it is, the bytes, and the rest of the line */
function linesOf(name: string): [title: string, kind: string, bytes: Uint8Array, rest: string][] {
  const text = readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => {
    const [kind = '', bytes = '', ...rest] = line.split(' ')
    return [`${kind} ${rest.join(' ').slice(0, 60)}`, kind, fromHex(bytes), rest.join(' ')]
  })
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text === '-' ? '' : text, 'hex'))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function plainHop({ hops, ageMs, rumor }: Hop): object {
  return { hops, ageMs, rumor: hex(rumor.bytes) }
}

function plainEntry({ origin, boot, greatest, mask }: VectorEntry): object {
  return { origin: hex(origin), boot, greatest, mask: hex(mask) }
}

/** As the files write what was read. */
function plain(read: ReturnType<typeof readPacket> | ReturnType<typeof readExchange>): object {
  switch (read.type) {
    case 'rumor':
      return { type: 'rumor', ...plainHop(read) }
    case 'ihave':
    case 'iwant':
      return { ...read, keys: read.keys.map((key) => hex(Buffer.from(key, 'latin1'))) }
    case 'hit':
      return { ...read, query: hex(read.query), answer: hex(read.answer) }
    case 'ack':
      return { ...read, query: hex(read.query) }
    case 'sync':
      return { ...read, vector: read.vector.map(plainEntry) }
    case 'tell':
      return { ...read, vector: read.vector.map(plainEntry), rumors: read.rumors.map(plainHop) }
    case 'push':
      return { ...read, rumors: read.rumors.map(plainHop) }
    default:
      return read
  }
}

describe('rumors.txt', () => {
  const lines = linesOf('rumors.txt')
  const owners = [1, 2, 3].map((seed) => createIdentity(new Uint8Array(32).fill(seed)))

  it.each(lines)('%s', (_, kind, bytes, rest) => {
    if (kind === 'invalid') {
      expect(() => readRumor(bytes)).toThrow(expect.objectContaining({ code: 'BAD_RUMOR' }))
      return
    }
    const rumor = readRumor(bytes)
    const isSigned = owners.some(({ id }) => verifyRumor(rumor, id))
    expect(isSigned).toBe(kind === 'valid')
    if (kind !== 'valid') return
    const { seed, id, body, ...fields } = JSON.parse(rest)
    expect(rumor).toMatchObject(fields)
    expect([hex(rumor.body), hex(rumor.id)]).toEqual([body, id])
    const again = signRumor(createIdentity(fromHex(seed)), { ...fields, body: fromHex(body) })
    expect(hex(again.bytes)).toBe(hex(bytes))
  })

  it('has all kinds of lines', () => expect(new Set(lines.map(([, kind]) => kind)).size).toBe(3))
})

describe.each([
  ['packets.txt', readPacket],
  ['exchanges.txt', readExchange],
] as const)('%s', (name, read) => {
  it.each(linesOf(name))('%s', (_, kind, bytes, rest) => {
    if (kind === 'invalid') {
      expect(() => read(bytes)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^BAD_(PACKET|RUMOR)$/) }),
      )
    } else {
      expect(plain(read(bytes))).toEqual(kind === 'valid' ? JSON.parse(rest) : { type: 'unknown' })
    }
  })
})
