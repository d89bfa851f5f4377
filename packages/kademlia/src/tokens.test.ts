import { createHmac } from 'node:crypto'
import { SeededRandom } from '@pc/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Asker, TOKEN_SECRET_LIFE_MS, Tokens } from './tokens.js'

const KEY = new Uint8Array(32).fill(9)
const ASKER: Asker = { id: new Uint8Array(32).fill(1), address: { host: '10.0.0.1', port: 3_485 } }
const at = (host: string, port = 3_485): Asker => ({ ...ASKER, address: { host, port } })
const tokens = (): Tokens => Tokens.create(new SeededRandom(1), 0)

describe('Tokens', () => {
  it('are HMAC-SHA-256 over key, id and host, cut to 8 bytes', () => {
    const secret = new SeededRandom(1).bytes(32)
    const mac = createHmac('sha256', secret).update(KEY).update(ASKER.id).update('10.0.0.1').digest()
    expect(Buffer.from(tokens().issue(ASKER, KEY, 0)).toString('hex')).toBe(mac.toString('hex', 0, 8))
  })

  it('are good for the asker and the key they were issued for, from any port', () => {
    const jar = tokens()
    const token = jar.issue(ASKER, KEY, 0)
    expect(jar.accepts(token, ASKER, KEY, 1)).toBe(true)
    expect(jar.accepts(token, at('10.0.0.1', 9), KEY, 1)).toBe(true)
    expect(jar.accepts(token, at('10.0.0.2'), KEY, 1)).toBe(false)
    expect(jar.accepts(token, { ...ASKER, id: new Uint8Array(32).fill(2) }, KEY, 1)).toBe(false)
    expect(jar.accepts(token, ASKER, new Uint8Array(32).fill(8), 1)).toBe(false)
    expect(Tokens.create(new SeededRandom(2), 0).accepts(token, ASKER, KEY, 1)).toBe(false)
  })

  it('are good in every bit and of that length, or not', () => {
    const jar = tokens()
    const token = jar.issue(ASKER, KEY, 0)
    for (let bit = 0; bit < 64; bit++) {
      const wrong = Uint8Array.from(token)
      wrong[bit >> 3] = (wrong[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(jar.accepts(wrong, ASKER, KEY, 0)).toBe(false)
    }
    for (const length of [0, 7]) expect(jar.accepts(token.subarray(0, length), ASKER, KEY, 0)).toBe(false)
    expect(jar.accepts(Buffer.concat([token, token]), ASKER, KEY, 0)).toBe(false)
  })

  it('are good until the second change of secrets after they were issued, every 5 minutes, whoever asks in between', () => {
    const life = TOKEN_SECRET_LIFE_MS
    fc.assert(
      fc.property(
        fc.nat(3 * life),
        fc.nat(3 * life),
        fc.array(fc.nat(6 * life), { maxLength: 6 }),
        (issuedAt, after, between) => {
          const jar = tokens()
          const until = issuedAt + after
          const times = between.sort((a, b) => a - b)
          for (const time of times) if (time <= issuedAt) jar.issue(ASKER, KEY, time)
          const token = jar.issue(ASKER, KEY, issuedAt)
          for (const time of times) if (time > issuedAt && time <= until) jar.issue(ASKER, KEY, time)
          const changes = Math.floor(until / life) - Math.floor(issuedAt / life)
          expect(jar.accepts(token, ASKER, KEY, until)).toBe(changes < 2)
        },
      ),
    )
  })
})
