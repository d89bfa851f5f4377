import type { Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ArgumentReader, noArguments } from './arguments.js'
import { ControlError } from './errors.js'

const badArguments = (text: string) =>
  expect.objectContaining({ code: 'BAD_ARGUMENTS', message: expect.stringContaining(text) })

const anyValue = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.maxSafeInteger(),
    fc.string(),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
  ),
})).value

describe('ArgumentReader', () => {
  it('reads typed values', () => {
    const reader = new ArgumentReader({ peer: 'anna', count: 3, follow: false, payload: [1] })
    expect(reader.text('peer')).toBe('anna')
    expect(reader.integer('count', { min: 1, max: 3 })).toBe(3)
    expect(reader.boolean('follow')).toBe(false)
    expect(reader.value('payload')).toEqual([1])
    expect(reader.optionalText('absent')).toBeUndefined()
    expect(() => reader.done()).not.toThrow()
  })

  it('takes nil for absent, except where any value is asked for', () => {
    const reader = new ArgumentReader({ after: null, payload: null })
    expect(reader.optionalInteger('after')).toBeUndefined()
    expect(reader.value('payload')).toBeNull()
    expect(() => new ArgumentReader(null).text('peer')).toThrow(badArguments('argument peer is missing'))
  })

  it.each([
    ['a text that is empty', { peer: '' }, (r: ArgumentReader) => r.text('peer')],
    ['a text that is too long', { peer: 'xxx' }, (r: ArgumentReader) => r.text('peer', { maxLength: 2 })],
    ['a number for a text', { peer: 1 }, (r: ArgumentReader) => r.text('peer')],
    ['a fraction', { peer: 1.5 }, (r: ArgumentReader) => r.integer('peer')],
    ['an integer under the least', { peer: -1 }, (r: ArgumentReader) => r.integer('peer')],
    ['an integer over the most', { peer: 4 }, (r: ArgumentReader) => r.integer('peer', { max: 3 })],
    ['a text for a boolean', { peer: 'true' }, (r: ArgumentReader) => r.boolean('peer')],
  ])('refuses %s', (_name, args, read) => {
    expect(() => read(new ArgumentReader(args))).toThrow(badArguments('argument peer: expected'))
  })

  it.each([
    [1, 'the number 1'],
    [true, 'true'],
    ['word', 'the text "word"'],
    ['x'.repeat(64), `the text "${'x'.repeat(64)}"`],
    ['x'.repeat(65), 'a text of 65'],
    [new Uint8Array(3), '3 bytes'],
    [[1], 'a list'],
    [{ a: 1 }, 'a map'],
  ] satisfies [Value, string][])('says what came for an argument: %j', (value, shown) => {
    const reader = new ArgumentReader({ it: value })
    const read = typeof value === 'number' ? () => reader.text('it') : () => reader.integer('it')
    expect(read).toThrow(badArguments(`, got ${shown}`))
    expect(read).toThrow(expect.objectContaining({ details: { argument: 'it' } }))
  })

  it('refuses a list and bytes for a text, however many elements they have', () => {
    for (const value of [['a'], Uint8Array.of(1)]) {
      expect(() => new ArgumentReader({ it: value }).text('it')).toThrow(badArguments('argument it: expected a text'))
    }
  })

  it('takes values at both ends of what is allowed, and none beyond', () => {
    const text = (value: string) => new ArgumentReader({ it: value }).text('it', { minLength: 2, maxLength: 4 })
    expect([text('ab'), text('abcd')]).toEqual(['ab', 'abcd'])
    for (const value of ['a', 'abcde']) expect(() => text(value)).toThrow(badArguments('a text of 2 to 4 characters'))
    const integer = (value: number) => new ArgumentReader({ it: value }).integer('it', { min: -1, max: 1 })
    expect([integer(-1), integer(1)]).toEqual([-1, 1])
    for (const value of [-2, 2]) expect(() => integer(value)).toThrow(badArguments('an integer from -1 to 1'))
    expect(new ArgumentReader({ it: 0 }).integer('it')).toBe(0)
  })

  it('names the argument that is missing, for programs too', () => {
    for (const read of [
      (reader: ArgumentReader) => reader.text('peer'),
      (reader: ArgumentReader) => reader.integer('peer'),
      (reader: ArgumentReader) => reader.boolean('peer'),
    ]) {
      expect(() => read(new ArgumentReader({}))).toThrow(badArguments('argument peer is missing: expected'))
      expect(() => read(new ArgumentReader({}))).toThrow(expect.objectContaining({ details: { argument: 'peer' } }))
    }
    expect(new ArgumentReader({}).optionalBoolean('peer')).toBeUndefined()
  })

  it('shows the first 64 characters of an argument that nobody asked for', () => {
    const name = 'n'.repeat(100)
    const done = () => new ArgumentReader({ [name]: 1 }).done()
    expect(done).toThrow(badArguments(`unknown argument "${'n'.repeat(64)}":`))
    expect(done).toThrow(expect.objectContaining({ details: { argument: 'n'.repeat(64) } }))
  })

  it('refuses arguments that nobody asked for', () => {
    const reader = new ArgumentReader({ limit: 1, limt: 2 })
    reader.optionalInteger('limit')
    expect(() => reader.done()).toThrow(badArguments('unknown argument "limt": expected only limit'))
    expect(() => noArguments({ x: 1 })).toThrow(badArguments('expected no arguments'))
    expect(noArguments({})).toBeUndefined()
  })

  it('refuses what is not a map', () => {
    for (const args of [[], 'x', 1, true, new Uint8Array(1)]) {
      expect(() => new ArgumentReader(args)).toThrow(badArguments('expected a map of arguments'))
    }
  })

  it('gives a value of the type asked for, or BAD_ARGUMENTS, whatever comes in', () => {
    fc.assert(
      fc.property(anyValue, fc.string(), (args, name) => {
        try {
          const reader = new ArgumentReader(args)
          const read = [
            () => expect(reader.optionalText(name) ?? '').toBeTypeOf('string'),
            () => expect(Number.isSafeInteger(reader.optionalInteger(name) ?? 0)).toBe(true),
            () => expect(reader.optionalBoolean(name) ?? true).toBeTypeOf('boolean'),
            () => reader.done(),
          ]
          for (const step of read) {
            try {
              step()
            } catch (error) {
              if (!(error instanceof ControlError)) throw error
              expect(error.code).toBe('BAD_ARGUMENTS')
              expect(error.message.length).toBeLessThan(600)
            }
          }
        } catch (error) {
          if (!(error instanceof ControlError)) throw error
          expect(error.code).toBe('BAD_ARGUMENTS')
        }
      }),
    )
  })

  it('finds no argument on the prototype', () => {
    const reader = new ArgumentReader({})
    expect(reader.value('constructor')).toBeUndefined()
    expect(reader.value('__proto__')).toBeUndefined()
  })
})
