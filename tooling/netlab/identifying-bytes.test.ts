import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { createIdentity } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import { montgomeryOf, needlesOf, search } from './identifying-bytes.js'

const seed = new Uint8Array(32).fill(7)
const { id } = createIdentity(seed)
const needles = needlesOf('anna', {
  id: id.bytes,
  texts: { id: id.toString(), 'short id': id.short, name: 'anna-5f3a9c' },
})

function found(...parts: (string | Uint8Array)[]): number {
  return search(needles, [{ where: 'here', bytes: Buffer.concat(parts.map((part) => Buffer.from(part))) }]).bytes
}

describe('montgomeryOf', () => {
  it('gives the public key of the scalar that the Ed25519 key has (RFC 8032 §5.1.5, RFC 7748 §5)', () => {
    const scalar = createHash('sha512').update(seed).digest().subarray(0, 32)
    const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), scalar])
    const key = createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
    expect(Buffer.from(montgomeryOf(id.bytes)).toString('base64url')).toBe(key.export({ format: 'jwk' }).x)
  })
})

describe('search', () => {
  const keys = {
    id: id.bytes,
    hash: createHash('sha256').update(id.bytes).digest(),
    x25519: montgomeryOf(id.bytes),
  }

  it.each(Object.entries(keys))('finds the %s raw and in hex, wherever it stands', (_, key) => {
    const hex = Buffer.from(key).toString('hex')
    expect(found('before', key, 'behind')).toBe(32)
    expect(found('{"id":"', hex, '"}')).toBe(64)
    expect(found(hex.toUpperCase())).toBe(64)
  })

  it.each(Object.entries(keys))('finds the %s in base64, whatever is encoded with it', (_, key) => {
    for (const encoding of ['base64', 'base64url'] as const) {
      for (let before = 0; before < 6; before++) {
        const text = Buffer.concat([randomBytes(before), key, randomBytes(5)]).toString(encoding)
        expect(found(text)).toBeGreaterThanOrEqual(40)
      }
    }
  })

  it('finds a part of a key, and not less than eight bytes of it', () => {
    expect(found('..', id.bytes.subarray(11, 20), '..')).toBe(9)
    expect(found('..', id.bytes.subarray(11, 18), '..')).toBe(0)
  })

  it('finds texts, whole only', () => {
    expect(found(id.toString())).toBe(53)
    expect(found('hello from anna-5f3a9c.')).toBe(11)
    expect(found('hello from anna-5f3a9.')).toBe(0)
  })

  it('counts every byte once and says what was where', () => {
    const { bytes, findings } = search(needles, [
      { where: 'a stream', bytes: Buffer.concat([Buffer.alloc(5), id.bytes]) },
      { where: 'a datagram', bytes: Buffer.from(id.toString()) },
      { where: 'noise', bytes: randomBytes(100_000) },
    ])
    expect(bytes).toBe(32 + 53)
    expect(findings).toContainEqual({ label: 'id of anna, raw', where: 'a stream', offset: 5, length: 32 })
    expect(new Set(findings.map(({ where }) => where))).toEqual(new Set(['a stream', 'a datagram']))
  })

  it('refuses a name that would be found by chance', () => {
    expect(() => needlesOf('al', { id: id.bytes, texts: { name: 'al' } })).toThrow(/by chance/)
  })
})
