import { describe, expect, it } from 'vitest'
import { answerKey, bytesOfHex, hexOf } from './keys.js'

describe('keys', () => {
  it('writes every byte as two digits, and reads them back', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    expect(hexOf(bytes)).toBe(Buffer.from(bytes).toString('hex'))
    expect(bytesOfHex(hexOf(bytes))).toEqual(bytes)
    expect([hexOf(new Uint8Array(0)), bytesOfHex('')]).toEqual(['', new Uint8Array(0)])
  })

  it('tells askers apart by address and by port', () => {
    const keys = [
      { host: '192.0.2.1', port: 1 },
      { host: '192.0.2.1', port: 2 },
      { host: '192.0.2.11', port: 1 },
      { host: '192.0.2.1', port: 11 },
    ].map(answerKey)
    expect(new Set(keys).size).toBe(4)
  })
})
