import { describe, expect, test } from 'vitest'
import { thrownBy } from '../test/_util/thrown.js'
import { encodeHeader, readHeader, rememberedEncoding } from './header.js'

const read = (text: string) => {
  const bytes = Buffer.from(`before ${text} behind`)
  return readHeader(bytes, 7, bytes.length - 14)
}

describe('readHeader', () => {
  test('reads the same header again and again, and headers of every length', () => {
    for (const text of ['a', 'chat/say', 'chat/say', '~ !', 'x'.repeat(64), 'x'.repeat(63), 'chat/say']) {
      expect(read(text)).toBe(text)
    }
  })

  // More than there are places: many share one, and all differ.
  test('tells headers apart that share a place', () => {
    const headers = Array.from({ length: 2_000 }, (_, index) => `header/${index.toString(7)}/end`)
    for (let round = 0; round < 2; round++) {
      for (const header of headers) expect(read(header)).toBe(header)
    }
  })

  test('tells headers apart of the same length, first, middle and last letter', () => {
    for (const header of ['abcde', 'axcde', 'abcxe', 'abcde']) expect(read(header)).toBe(header)
  })

  test.each(['', 'x'.repeat(65), 'a\u001f', 'a\u007fb', 'é', 'a\u0085'])('leaves %j to others', (text) => {
    expect(read(text)).toBeUndefined()
  })
})

describe('encodeHeader', () => {
  test('remembers what it wrote', () => {
    const encoding = encodeHeader('remember/me')
    expect(encoding).toStrictEqual(Buffer.from('\u00abremember/me', 'latin1'))
    expect(rememberedEncoding('remember/me')).toBe(encoding)
    expect(rememberedEncoding('remember/m')).toBeUndefined()
  })

  test('forgets, rather than to remember more than 256', () => {
    const headers = Array.from({ length: 600 }, (_, index) => `many/${index}`)
    for (const header of headers) encodeHeader(header)
    const remembered = headers.filter((header) => rememberedEncoding(header) !== undefined)
    expect(remembered.length).toBeLessThanOrEqual(256)
    expect(remembered).toContain('many/599')
  })

  test('refuses half a surrogate pair, and does not remember it', () => {
    expect(thrownBy(() => encodeHeader('a\ud800'))).toMatchObject({ code: 'UNENCODABLE', path: '$' })
    expect(rememberedEncoding('a\ud800')).toBeUndefined()
  })
})
