import { describe, expect, test } from 'vitest'
import { thrownBy } from '../test/_util/thrown.js'
import { InvalidPacketError, WireError } from './errors.js'
import { DATAGRAM_LIMITS, MAX_FRAME } from './limits.js'
import { decodeValue, encodeValue, type Value } from './value.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const encodeAny = (value: unknown) => encodeValue(value as Value)

describe('encodeValue refuses', () => {
  class Point {
    x = 1
  }
  const cycle: unknown[] = []
  cycle.push(cycle)
  test.each<[string, unknown, string, string]>([
    ['undefined', undefined, 'UNENCODABLE', '$'],
    ['undefined in an array', [1, undefined], 'UNENCODABLE', '$[1]'],
    ['a hole in an array', new Array(1), 'UNENCODABLE', '$[0]'],
    ['a Date', { when: new Date(0) }, 'UNENCODABLE', '$.when'],
    ['a Map', new Map(), 'UNENCODABLE', '$'],
    ['a Set', new Set(), 'UNENCODABLE', '$'],
    ['a BigInt', { a: [1n] }, 'UNENCODABLE', '$.a[0]'],
    ['a symbol', Symbol('s'), 'UNENCODABLE', '$'],
    ['a function', () => 1, 'UNENCODABLE', '$'],
    ['a class instance', new Point(), 'UNENCODABLE', '$'],
    ['another typed array', new Uint16Array(1), 'UNENCODABLE', '$'],
    ['an ArrayBuffer', new ArrayBuffer(1), 'UNENCODABLE', '$'],
    ['an Error', new Error('e'), 'UNENCODABLE', '$'],
    ['2^53', 2 ** 53, 'UNENCODABLE', '$'],
    ['-(2^53)', -(2 ** 53), 'UNENCODABLE', '$'],
    ['a high surrogate alone', 'a\ud800', 'UNENCODABLE', '$'],
    ['a low surrogate alone, in a long string', `${'x'.repeat(100)}\udc00`, 'UNENCODABLE', '$'],
    ['a lone surrogate in a key', { 'a\ud800': 1 }, 'UNENCODABLE', '$["a\\ud800"]'],
    ['a __proto__ key', JSON.parse('{"__proto__": 1}'), 'FORBIDDEN_KEY', '$.__proto__'],
    ['a cycle', cycle, 'TOO_DEEP', `$${'[0]'.repeat(16)}`],
    ['too many items', new Array(4097).fill(0), 'TOO_MANY_ELEMENTS', '$'],
  ])('%s', (_name, value, code, path) => {
    const error = thrownBy(() => encodeAny(value))
    expect(error).toBeInstanceOf(WireError)
    expect(error).not.toBeInstanceOf(InvalidPacketError)
    expect(error).toMatchObject({ code, path, message: expect.stringContaining(path) })
  })

  test('more than MAX_FRAME bytes, before it has copied them', () => {
    expect(thrownBy(() => encodeValue([new Uint8Array(MAX_FRAME)]))).toMatchObject({ code: 'TOO_LARGE' })
    expect(encodeValue(new Uint8Array(MAX_FRAME - 5))).toHaveLength(MAX_FRAME)
  })

  test('and the next value is written as if nothing had happened', () => {
    expect(() => encodeAny(['some text', undefined])).toThrow(WireError)
    expect(hex(encodeValue([1]))).toBe('9101')
  })
})

describe('encodeValue', () => {
  test('leaves out members that are undefined, and does not count them', () => {
    const value = { a: undefined, b: 1, c: undefined } as unknown as Value
    expect(hex(encodeValue(value, { maxDepth: 1, maxElements: 1 }))).toBe('81a16201')
  })

  test('writes objects without a prototype, own members only', () => {
    const bare: Record<string, Value> = Object.create(null)
    bare.a = 1
    expect(hex(encodeValue(bare))).toBe('81a16101')
  })

  test('asks no toJSON, constructor or hasOwnProperty that an object may carry as data', () => {
    const value = { toJSON: 1, constructor: null, hasOwnProperty: false }
    expect(decodeValue(encodeValue(value))).toStrictEqual(value)
  })

  test('writes a getter that encodes something itself, read once', () => {
    let reads = 0
    const greedy = {
      get inner() {
        reads++
        return hex(encodeValue(['inside', reads]))
      },
    }
    const inner = '92a6696e7369646501'
    expect(decodeValue(encodeValue(['before', greedy, 'after']))).toStrictEqual(['before', { inner }, 'after'])
    expect(reads).toBe(1)
  })

  test('writes what it has checked, even when a getter or a proxy changes its mind', () => {
    const turncoat = () => {
      let reads = 0
      return () => (reads++ === 0 ? 1 : new Date(0))
    }
    const object = Object.defineProperty({}, 'a', { enumerable: true, get: turncoat() }) as Value
    const answer = turncoat()
    const list = new Proxy([0], { get: (target, key) => (key === '0' ? answer() : Reflect.get(target, key)) }) as Value
    expect(hex(encodeValue([object, list]))).toBe('9281a161019101')
  })

  test('has one NaN, whatever its bits in memory', () => {
    const odd = new DataView(Uint8Array.from([0xff, 0xf8, 0, 0, 0, 0, 0, 5]).buffer).getFloat64(0)
    expect(hex(encodeValue(odd))).toBe('cb7ff8000000000000')
  })

  test('gives bytes of the caller’s own', () => {
    const first = encodeValue('first')
    encodeValue('other')
    expect(decodeValue(first)).toBe('first')
    expect(first.buffer.byteLength).toBe(first.length)
  })

  test('writes a Buffer as bytes', () => {
    expect(hex(encodeValue(Buffer.from('0102', 'hex')))).toBe('c4020102')
  })
})

describe('decodeValue', () => {
  test('gives views of the bytes, as plain Uint8Array even of a Buffer', () => {
    const bytes = Buffer.from('92c402aabb01', 'hex')
    const [view] = decodeValue(bytes) as [Uint8Array]
    expect(view.constructor).toBe(Uint8Array)
    bytes[3] = 0x11
    expect(hex(view)).toBe('11bb')
  })

  test('leaves nothing behind on the bytes it was given', () => {
    const bytes = encodeValue({ a: 1 })
    decodeValue(bytes)
    expect(Object.keys(bytes)).toHaveLength(bytes.length)
  })

  test('makes own members of names that objects inherit, and pollutes nothing', () => {
    const value = decodeValue(encodeValue({ constructor: { prototype: { polluted: 1 } }, toString: 2 }))
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.hasOwn(value as object, 'constructor')).toBe(true)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test('reads a view in the middle of a larger buffer', () => {
    const large = new Uint8Array(20)
    large.set(encodeValue([1.5, 'é']), 7)
    expect(decodeValue(large.subarray(7, 20))).toStrictEqual([1.5, 'é'])
  })

  test('says where the fault is, and nothing of the content', () => {
    const error = thrownBy(() => decodeValue(Buffer.from('9301a9746f70736563726574c1', 'hex')))
    expect(error).toMatchObject({ name: 'InvalidPacketError', code: 'RESERVED_BYTE', offset: 12 })
    expect(String(error)).toContain('byte 12')
    expect(String(error)).not.toContain('secret')
  })

  test('gives views also beside a long text that begins with U+FEFF', () => {
    const value: Value = [
      Uint8Array.of(1),
      `\ufeff${'x'.repeat(300)}`,
      { [`\ufeff${'k'.repeat(80)}`]: Uint8Array.of(2) },
    ]
    const decoded = decodeValue(Buffer.from(encodeValue(value)))
    expect(decoded).toStrictEqual(value)
  })

  test('refuses a large declared length without allocating it', () => {
    const before = process.memoryUsage()
    for (let index = 0; index < 1_000; index++) thrownBy(() => decodeValue(Buffer.from('ddffffffff00', 'hex')))
    const after = process.memoryUsage()
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(10_000_000)
  })

  test('takes other limits', () => {
    const nested = (depth: number) => Buffer.from(`${'91'.repeat(depth - 1)}90`, 'hex')
    expect(decodeValue(nested(8), DATAGRAM_LIMITS)).toBeDefined()
    expect(thrownBy(() => decodeValue(nested(9), DATAGRAM_LIMITS))).toMatchObject({ code: 'TOO_DEEP' })
    expect(decodeValue(nested(64), { maxDepth: 64, maxElements: 63 })).toBeDefined()
  })

  test.each([
    { maxDepth: 65, maxElements: 1 },
    { maxDepth: -1, maxElements: 1 },
    { maxDepth: Number.NaN, maxElements: 1 },
    { maxDepth: 1, maxElements: -1 },
    { maxDepth: 1, maxElements: Number.POSITIVE_INFINITY },
  ])('refuses the limits %o', (limits) => {
    expect(thrownBy(() => decodeValue(new Uint8Array(1), limits))).toMatchObject({ code: 'BAD_LIMIT' })
    expect(thrownBy(() => encodeValue(null, limits))).toMatchObject({ code: 'BAD_LIMIT' })
  })
})
