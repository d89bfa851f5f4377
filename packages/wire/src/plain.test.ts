import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { className, formatPath, isPlain } from './plain.js'

class Order {}

test.each<[string, object, boolean]>([
  ['a literal', { a: 1 }, true],
  ['no prototype', Object.create(null), true],
  ['a literal of another realm', runInNewContext('({ a: 1 })'), true],
  ['a class instance', new Order(), false],
  ['a date', new Date(0), false],
  ['what inherits from a literal', Object.create({}), false],
  ['what inherits from no prototype', Object.create(Object.create(null)), false],
])('plain data, %s: %#', (_name, value, plain) => {
  expect(isPlain(value)).toBe(plain)
})

test.each<[object, string]>([
  [new Order(), 'Order'],
  [new Date(0), 'Date'],
  [new (class {})(), 'a class'],
  [Object.create(Object.create(null)), 'a class'],
  [Object.assign(Object.create({ constructor: 7 }), {}), 'a class'],
])('an object calls itself by its class (case %#)', (value, name) => {
  expect(className(value)).toBe(name)
})

test.each<[(string | number)[], string]>([
  [[], '$'],
  [['items', 3, 'when'], '$.items[3].when'],
  [['a b'], '$["a b"]'],
  [[''], '$[""]'],
  [['x$_9'], '$.x$_9'],
  [['x'.repeat(40)], `$.${'x'.repeat(40)}`],
  [['x'.repeat(41)], `$["${'x'.repeat(40)}"]`],
  [['-x'], '$["-x"]'],
  [['x-'], '$["x-"]'],
])('%j is the path %s', (path, text) => {
  expect(formatPath(path)).toBe(text)
})
