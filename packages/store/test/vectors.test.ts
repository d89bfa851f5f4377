import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { StoreError } from '../src/index.js'
import { openValue, sealValue } from '../src/value-format.js'

const cases = readFileSync(new URL('../vectors/values.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.startsWith('#'))
  .map((line) => line.split('|').map((column) => column.trim()))

function parse(groups = ''): Uint8Array {
  const parts = groups.split(' ').map((group) => {
    const [digits = '', times = '1'] = group.split('*')
    return Buffer.from(digits.repeat(Number(times)), 'hex')
  })
  return Uint8Array.from(Buffer.concat(parts))
}

it.each(cases)('values.txt: %s: %s', (_name, outcome, keyText, storedText, valueText) => {
  const key = parse(keyText)
  const stored = parse(storedText)
  if (outcome === 'both') {
    const value = parse(valueText)
    expect(sealValue(key, value)).toEqual(stored)
    expect(openValue(key, stored)).toEqual(value)
    return
  }
  let error: unknown
  try {
    openValue(key, stored)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(StoreError)
  expect(error).toMatchObject({ code: outcome, key })
})
