import { createIdentity, signPeerRecord } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import { matchRecord, packQuery, readQuery, readSearchAnswer } from './gossip-search.js'

const peer = { name: 'Anna’s Ångström', capabilities: ['printer', 'Colour-A4', 'printer-a3'] }

describe('matchRecord', () => {
  it.each([
    ['anna', true, []],
    ['NNA’S', true, []],
    ['\u200bann\u00ada', true, []], // invisible characters
    ['a\u030angstro\u0308m', true, []], // the same letters, composed otherwise
    ['print', false, ['printer', 'printer-a3']],
    ['printer-A', false, ['printer-a3']],
    ['colour', false, ['Colour-A4']],
    ['colour  printer-a3', false, ['Colour-A4', 'printer-a3']],
    ['anna printer-', true, ['printer-a3']],
  ])('%j is in the name: %s, and in the capabilities %j', (query, name, capabilities) => {
    expect(matchRecord(query, peer)).toEqual({ name, capabilities })
  })

  it.each(['bert', 'rinter', 'a4', 'printer-a33', 'anna bert', ''])('%j does not fit', (query) => {
    expect(matchRecord(query, peer)).toBeUndefined()
  })
})

describe('queries', () => {
  it('are texts of 1 to 16 words', () => {
    expect(readQuery(packQuery('  two words '))).toBe('two words')
    expect(readQuery(packQuery('w '.repeat(16)))).toBe('w '.repeat(16).trim())
    for (const text of ['', ' \n', 'w '.repeat(17), 'x'.repeat(257)]) {
      expect(() => packQuery(text)).toThrow(expect.objectContaining({ code: 'BAD_OPTIONS' }))
      expect(readQuery(Buffer.from(text))).toBeUndefined()
    }
    expect(readQuery(new Uint8Array([0xff]))).toBeUndefined()
  })
})

describe('readSearchAnswer', () => {
  const [anna, bert] = [createIdentity(), createIdentity()]
  const record = signPeerRecord(anna, { ...peer, sequence: 1, addresses: [] })

  it('takes the own record of who answers, if it fits', () => {
    const match = readSearchAnswer('printer', anna.id, record.bytes)
    expect(match).toMatchObject({ matched: { name: false, capabilities: ['printer', 'printer-a3'] } })
    expect(match?.record.name).toBe(peer.name)
    expect(readSearchAnswer('scanner', anna.id, record.bytes)).toBeUndefined()
    expect(readSearchAnswer('printer', bert.id, record.bytes)).toBeUndefined()
    const forged = record.bytes.map((byte, index) => (index === record.bytes.length - 1 ? byte ^ 1 : byte))
    for (const bytes of [forged, new Uint8Array(0), Buffer.from('printer')]) {
      expect(readSearchAnswer('printer', anna.id, bytes)).toBeUndefined()
    }
  })
})
