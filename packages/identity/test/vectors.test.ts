import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  createCertificate,
  createIdentity,
  openNetwork,
  PeerId,
  parseShortId,
  peerIdOfCertificate,
  readPeerRecord,
  signPeerRecord,
  verifySignature,
} from '../src/index.js'
import { codeOf, fromHex, readVectors, toHex } from './_util/vectors.js'

describe('peer-ids.txt', () => {
  for (const [kind = '', hex = '', text = '', rest = ''] of readVectors('peer-ids.txt', (kind) =>
    kind === 'valid' ? 3 : 2,
  )) {
    test(`${kind} ${hex} ${kind === 'valid' ? '' : text}`, () => {
      if (kind === 'invalid') {
        expect(codeOf(() => PeerId.fromBytes(fromHex(hex)))).toBe('BAD_PEER_ID')
        return
      }
      const id = PeerId.fromBytes(fromHex(hex))
      expect([id.toString(), id.short, toHex(id.bytes)]).toEqual([text, rest, hex])
      expect(PeerId.parse(text).equals(id)).toBe(true)
    })
  }
})

describe('text-forms.txt', () => {
  for (const [kind = '', text = '', hex = ''] of readVectors('text-forms.txt', () => 2)) {
    test(`${kind} ${text}`, () => {
      if (kind === 'ok') expect(toHex(PeerId.parse(text).bytes)).toBe(hex)
      else expect(codeOf(() => PeerId.parse(text))).toBe('BAD_PEER_ID')
    })
  }
})

describe('short-ids.txt', () => {
  for (const [kind = '', text = '', prefix] of readVectors('short-ids.txt', () => 2)) {
    test(`${kind} ${text}`, () => expect(parseShortId(text)).toBe(kind === 'ok' ? prefix : undefined))
  }
})

describe('signatures.txt', () => {
  for (const fields of readVectors('signatures.txt', () => 5)) {
    const kind = fields.shift()
    test(`${kind} ${fields.join(' ').slice(-60)}`, () => {
      const seed = kind === 'valid' ? fromHex(fields.shift()) : undefined
      const [id, domain = '', message, signature] = fields
      const bytes = fromHex(message)
      expect(verifySignature(PeerId.fromBytes(fromHex(id)), domain, bytes, fromHex(signature))).toBe(kind === 'valid')
      if (seed !== undefined) expect(toHex(createIdentity(seed).sign(domain, bytes))).toBe(signature)
    })
  }
})

describe('records.txt', () => {
  for (const [kind, hex = '', rest = ''] of readVectors('records.txt', () => 2)) {
    test(`${kind} ${rest}`, () => {
      const bytes = fromHex(hex)
      if (kind === 'invalid') {
        expect(codeOf(() => readPeerRecord(bytes))).toBe('BAD_RECORD')
        return
      }
      const { seed, extra, ...fields } = JSON.parse(rest)
      const identity = createIdentity(fromHex(seed))
      expect(readPeerRecord(bytes)).toEqual({ id: identity.id, ...fields, bytes })
      if (extra === 0) expect(toHex(signPeerRecord(identity, fields).bytes)).toBe(hex)
    })
  }
})

describe('networks.txt', () => {
  const fields: Record<string, number> = { bad: 1, blind: 4 }
  for (const [kind, name = '', first = '', second = '', third = ''] of readVectors('networks.txt', (kind) => {
    return fields[kind] ?? 3
  })) {
    test(`${kind} ${name} ${first.slice(0, 20)} ${second}`, () => {
      const open = () => openNetwork(JSON.parse(name))
      if (kind === 'bad') expect(codeOf(open)).toBe('BAD_NETWORK_NAME')
      else if (kind === 'key') expect(open().keyId).toBe(Number.parseInt(first, 16))
      else if (kind === 'blind')
        expect(toHex(open().blind(PeerId.fromBytes(fromHex(first)), Number(second)))).toBe(third)
      else {
        expect(toHex(open().mac(fromHex(first)))).toBe(second)
        expect(open().verify(fromHex(first), fromHex(second))).toBe(true)
      }
    })
  }
})

describe('certificates.txt', () => {
  for (const [kind, first = '', second = '', third = ''] of readVectors('certificates.txt', (kind) =>
    kind === 'invalid' ? 2 : 3,
  )) {
    test(`${kind} ${kind === 'invalid' ? second : kind === 'accepted' ? third : first}`, () => {
      const read = (hex: string) => peerIdOfCertificate(new X509Certificate(fromHex(hex)))
      if (kind === 'invalid') expect(codeOf(() => read(first))).toBe('BAD_CERTIFICATE')
      else if (kind === 'accepted') expect(toHex(read(second).bytes)).toBe(first)
      else {
        expect(toHex(new X509Certificate(createCertificate(createIdentity(fromHex(first))).cert).raw)).toBe(third)
        expect(toHex(read(third).bytes)).toBe(second)
      }
    })
  }
})
