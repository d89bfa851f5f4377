import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  createCertificate,
  createIdentity,
  type Network,
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
  const fields: Record<string, number> = {
    bad: 1,
    blind: 4,
    secret: 4,
    'secret-mac': 4,
    'secret-blind': 5,
    record: 5,
    proof: 5,
    'bad-secret': 2,
  }
  const idOf = (hex: string) => PeerId.fromBytes(fromHex(hex))
  const opened = new Map<string, Network>()
  // Opening one with a secret is slow on purpose.
  const open = (name: string, secret: string): Network => {
    const key = `${name} ${secret}`
    const network = opened.get(key) ?? openNetwork(JSON.parse(name), secret === '-' ? {} : { secret: fromHex(secret) })
    opened.set(key, network)
    return network
  }
  const check: Record<string, (name: string, ...rest: string[]) => void> = {
    bad: (name) => expect(codeOf(() => openNetwork(JSON.parse(name)))).toBe('BAD_NETWORK_NAME'),
    key: (name, keyId = '') => expect(open(name, '-').keyId).toBe(Number.parseInt(keyId, 16)),
    mac: (name, message, mac) => checkMac(open(name, '-'), message, mac),
    blind: (name, id = '', epoch, blind) => expect(toHex(open(name, '-').blind(idOf(id), Number(epoch)))).toBe(blind),
    secret(name, secret = '', keyId = '', psk) {
      const network = open(name, secret)
      expect([network.hasSecret, network.keyId]).toEqual([true, Number.parseInt(keyId, 16)])
      expect(toHex(network.psk)).toBe(psk)
    },
    'secret-mac': (name, secret = '', message, mac) => checkMac(open(name, secret), message, mac),
    'secret-blind': (name, secret = '', id = '', epoch, blind) =>
      expect(toHex(open(name, secret).blind(idOf(id), Number(epoch)))).toBe(blind),
    record(name, secret = '', nonce, record, sealed) {
      const network = open(name, secret)
      expect(toHex(network.sealRecord(fromHex(record), fromHex(nonce)))).toBe(sealed)
      expect(network.openRecord(fromHex(sealed), fromHex(nonce))).toEqual(fromHex(record))
    },
    proof(name, secret = '', purpose = '', bytes, proof) {
      const network = open(name, secret)
      expect(toHex(network.prove(purpose, fromHex(bytes)))).toBe(proof)
      expect(network.verifyProof(purpose, fromHex(bytes), fromHex(proof))).toBe(true)
    },
    'bad-secret': (name, secret) =>
      expect(codeOf(() => openNetwork(JSON.parse(name), { secret: fromHex(secret) }))).toBe('BAD_NETWORK_SECRET'),
  }
  const lines = readVectors('networks.txt', (kind) => fields[kind] ?? 3)
  for (const [kind = '', name = '', ...rest] of lines) {
    test(`${kind} ${name} ${rest.map((field) => field.slice(0, 20)).join(' ')}`, () => {
      expect(Object.keys(check)).toContain(kind)
      check[kind]?.(name, ...rest)
    })
  }

  function checkMac(network: Network, message: string | undefined, mac: string | undefined): void {
    expect(toHex(network.mac(fromHex(message)))).toBe(mac)
    expect(network.verify(fromHex(message), fromHex(mac))).toBe(true)
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
