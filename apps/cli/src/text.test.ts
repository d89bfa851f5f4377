import { describe, expect, it } from 'vitest'
import { displayWidth, safeJson, safeLine, safeText } from './text.js'

describe('safe text', () => {
  it('lets no control or direction character of a stranger act', () => {
    expect(safeLine('a\u001b[2Jb\u0007\u009b\u202ec')).toBe('a\ufffd[2Jb\ufffd\ufffd\ufffdc')
    expect(safeLine('two\nlines\tand\r')).toBe('two lines and ')
    expect(safeText('one\r\ntwo\u001b', '  ')).toBe('one\n  two\ufffd')
  })

  it('leaves ordinary text of any language alone', () => {
    for (const text of ['Zoë', '日本語', 'שלום', '👩‍👩‍👧']) expect(safeLine(text)).toBe(text)
  })

  it('escapes in JSON what acts, and stays the same value', () => {
    const value = { name: 'a\u001b\u009b\u202e\u2028', bytes: new Uint8Array([1, 2, 255]) }
    const json = safeJson(value)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(json).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/)
    expect(JSON.parse(json)).toEqual({ name: value.name, bytes: { base64: 'AQL/' } })
  })
})

describe('displayWidth', () => {
  it.each([
    ['', 0],
    ['plain', 5],
    ['Zoë', 3],
    ['Zoe\u0308', 3],
    ['日本', 4],
    ['한글', 4],
    ['👩‍👩‍👧', 2],
    ['🇩🇪', 2],
    ['✓', 1],
    ['a\u200bb', 2],
  ])('of %j is %i', (text, width) => {
    expect(displayWidth(text)).toBe(width)
  })
})
