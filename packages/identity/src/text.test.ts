import { expect, test } from 'vitest'
import { isPlainText } from './text.js'

test('the limit counts bytes, not characters', () => {
  expect(isPlainText('語'.repeat(2), 6)).toBe(true)
  expect(isPlainText('語'.repeat(2), 5)).toBe(false)
  expect(isPlainText('🖨', 4)).toBe(true)
})

test('every hidden character is refused in every place', () => {
  const hidden = [0, 9, 10, 0x1b, 0x1f, 0x7f, 0x80, 0x9f, 0x61c, 0x200b, 0x200e, 0x200f]
  hidden.push(0x2028, 0x2029, 0x202a, 0x202e, 0x2066, 0x2069, 0xfeff, 0xd800, 0xdfff)
  for (const code of hidden) {
    const character = String.fromCharCode(code)
    for (const text of [character, `${character}a`, `a${character}b`, `a${character}`]) {
      expect(isPlainText(text, 64), JSON.stringify(text)).toBe(false)
    }
  }
})

test('spaces are for the middle', () => {
  for (const space of [' ', '\u00a0', '\u1680', '\u2000', '\u200a', '\u202f', '\u205f', '\u3000']) {
    expect(isPlainText(`a${space}b`, 64)).toBe(true)
    expect(isPlainText(`a${space}`, 64)).toBe(false)
    expect(isPlainText(`${space}a`, 64)).toBe(false)
  }
})
