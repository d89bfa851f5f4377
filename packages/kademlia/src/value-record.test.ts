import { createHash } from 'node:crypto'
import { createIdentity, MAX_SEALED_PLAINTEXT } from '@pc/identity'
import { encodeValue, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KademliaError } from './errors.js'
import { TOKEN_BYTES } from './tokens.js'
import {
  compareRecords,
  MAX_RECORD,
  namespaceOf,
  plainRecord,
  readRecord,
  signRecord,
  verifyRecord,
} from './value-record.js'

const ANNA = createIdentity(new Uint8Array(32).fill(1))
const BEN = createIdentity(new Uint8Array(32).fill(2))
const SALT = Buffer.from('name:printer')
const VALUE = Buffer.from('upstairs')
const signed = (sequence = 1, value: Uint8Array = VALUE, salt: Uint8Array = SALT) =>
  signRecord(ANNA, { salt, sequence, value })

function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function refusal(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    if (error instanceof KademliaError) return error.code
    throw error
  }
  return undefined
}

/** [author, salt, sequence, value, signature] with what differs in it. */
function fields(other: Readonly<Record<number, Value>>): Uint8Array {
  const { author, salt, sequence, value, signature } = signed()
  return encodeValue([author, salt, sequence, value, signature].map((field, index) => other[index] ?? field))
}

describe('keys of records', () => {
  it('is the hash of the value of a plain one', () => {
    expect(hex(plainRecord(VALUE).key)).toBe(sha256('pc-dht-value\0', VALUE))
  })

  it('is the hash of author and salt of a signed one, whatever its value and sequence', () => {
    expect(hex(signed().key)).toBe(sha256('pc-dht-author\0', ANNA.id.bytes, SALT))
    expect(hex(signed(7, Buffer.from('elsewhere')).key)).toBe(hex(signed().key))
    expect(hex(signed(1, VALUE, Buffer.from('name:other')).key)).not.toBe(hex(signed().key))
  })
})

describe('readRecord', () => {
  it('reads what was made, and owns its bytes', () => {
    for (const record of [plainRecord(VALUE), signed(), signed(0, new Uint8Array(), new Uint8Array())]) {
      const sent = Uint8Array.from(record.bytes)
      const read = readRecord(sent)
      sent.fill(0)
      expect(plainly(read)).toEqual(plainly(record))
    }
  })

  it.each([0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER])(
    'reads the sequence %d',
    (sequence) => expect(readRecord(signed(sequence).bytes)).toMatchObject({ sequence }),
  )

  it.each([
    ['nothing', new Uint8Array()],
    ['no msgpack', Uint8Array.of(0xc1)],
    ['no array', encodeValue(VALUE)],
    ['an empty array', encodeValue([])],
    ['a text as value', encodeValue(['x'])],
    ['two elements', encodeValue([VALUE, VALUE])],
    ['six elements', encodeValue([...(Array(6).fill(VALUE) as Uint8Array[])])],
    ['bytes left over', Buffer.concat([signed().bytes, Uint8Array.of(0)])],
    ['a long value', encodeValue([new Uint8Array(1_001)])],
    ['a short author', fields({ 0: new Uint8Array(31) })],
    ['a text as salt', fields({ 1: 'name:printer' })],
    ['a long salt', fields({ 1: new Uint8Array(33) })],
    ['a negative sequence', fields({ 2: -1 })],
    ['a sequence of minus zero', fields({ 2: -0 })],
    ['half a sequence', fields({ 2: 0.5 })],
    ['a text as sequence', fields({ 2: '1' })],
    ['a long value beside an author', fields({ 3: new Uint8Array(1_001) })],
    ['a short signature', fields({ 4: new Uint8Array(63) })],
    ['a long signature', fields({ 4: new Uint8Array(65) })],
    ['too much salt and value', fields({ 1: new Uint8Array(16), 3: new Uint8Array(1_000) })],
    ['far too much', encodeValue([new Uint8Array(60_000)])],
  ])('refuses %s', (_what, bytes) => {
    expect(refusal(() => readRecord(bytes))).toBe('BAD_MESSAGE')
  })

  it('refuses every form but the shortest, so that nobody makes a second record of one', () => {
    const plain = [...plainRecord(Uint8Array.of(7)).bytes]
    expect(plain).toEqual([0x91, 0xc4, 1, 7])
    expect(refusal(() => readRecord(Uint8Array.of(0x91, 0xc5, 0, 1, 7)))).toBe('BAD_MESSAGE')
    expect(refusal(() => readRecord(Uint8Array.of(0xdc, 0, 1, 0xc4, 1, 7)))).toBe('BAD_MESSAGE')
    const [at, other] = [1 + 34 + 2 + SALT.length, (tag: number, sequence: number) => withTag(sequence, tag)]
    function withTag(sequence: number, tag: number): Uint8Array {
      const bytes = Uint8Array.from(signed(sequence).bytes)
      bytes[at] = tag
      return bytes
    }
    expect(refusal(() => readRecord(other(0xcd, 300)))).toBeUndefined()
    // The same numbers, as long: int16, int32, int64, float32 and float64.
    expect(refusal(() => readRecord(other(0xd1, 300)))).toBe('BAD_MESSAGE')
    expect(refusal(() => readRecord(other(0xd2, 70_000)))).toBe('BAD_MESSAGE')
    expect(refusal(() => readRecord(other(0xd3, 2 ** 40)))).toBe('BAD_MESSAGE')
    const float32 = Uint8Array.from(signed(70_000).bytes)
    new DataView(float32.buffer).setUint8(at, 0xca)
    new DataView(float32.buffer).setFloat32(at + 1, 70_000)
    expect(refusal(() => readRecord(float32))).toBe('BAD_MESSAGE')
    const float64 = Uint8Array.from(signed(2 ** 40).bytes)
    new DataView(float64.buffer).setUint8(at, 0xcb)
    new DataView(float64.buffer).setFloat64(at + 1, 2 ** 40)
    expect(refusal(() => readRecord(float64))).toBe('BAD_MESSAGE')
  })

  it('gives back the very bytes of whatever it reads', () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.nat(3) })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), fc.nat(400), (changes, sequence) => {
        let bytes = Uint8Array.from(signed(sequence).bytes)
        for (const { at, to, cut } of changes) {
          bytes[at % bytes.length] = to
          bytes = bytes.slice(0, bytes.length - (cut === 3 ? 1 : 0))
        }
        if (refusal(() => readRecord(bytes)) !== undefined) return
        const read = readRecord(bytes)
        const again =
          read.type === 'plain' ? [read.value] : [read.author, read.salt, read.sequence, read.value, read.signature]
        expect(hex(encodeValue(again))).toBe(hex(bytes))
      }),
      { numRuns: 500 },
    )
  })
})

describe('the greatest record', () => {
  it('has 1,130 bytes, and fits a sealed datagram beside a token, a sequence and the head of a message', () => {
    const record = signed(Number.MAX_SAFE_INTEGER, new Uint8Array(1_000), new Uint8Array(15))
    expect(record.bytes).toHaveLength(MAX_RECORD)
    expect(signed(Number.MAX_SAFE_INTEGER, new Uint8Array(983), new Uint8Array(32)).bytes).toHaveLength(MAX_RECORD)
    const message = encodeValue([4, record.bytes, new Uint8Array(TOKEN_BYTES), Number.MAX_SAFE_INTEGER, 7_200])
    const kindAndRequestId = 9
    expect(kindAndRequestId + message.length).toBeLessThanOrEqual(MAX_SEALED_PLAINTEXT)
    expect(readRecord(record.bytes).bytes).toHaveLength(MAX_RECORD)
  })

  it('is not exceeded by anything that can be made', () => {
    for (const [value, salt] of [
      [1_001, 0],
      [0, 33],
      [1_000, 16],
      [984, 32],
    ] as const) {
      expect(refusal(() => signed(1, new Uint8Array(value), new Uint8Array(salt)))).toBe('BAD_RECORD')
    }
    expect(refusal(() => plainRecord(new Uint8Array(1_001)))).toBe('BAD_RECORD')
    for (const sequence of [-1, -0, 0.5, 2 ** 53, Number.NaN])
      expect(refusal(() => signed(sequence))).toBe('BAD_RECORD')
  })
})

describe('verifyRecord', () => {
  it('passes what its author signed, and plain records', () => {
    expect(verifyRecord(readRecord(signed().bytes))).toBe(true)
    expect(verifyRecord(readRecord(signed().bytes), ANNA.id)).toBe(true)
    expect(verifyRecord(plainRecord(VALUE))).toBe(true)
  })

  it('fails when anything else was signed: salt, sequence, value, by another, or in another domain', () => {
    const others = [
      fields({ 0: BEN.id.bytes }),
      fields({ 1: Buffer.from('name:scanner') }),
      fields({ 2: 2 }),
      fields({ 3: Buffer.from('downstair') }),
      fields({ 4: BEN.sign('pc-dht-record', encodeValue([SALT, 1, VALUE])) }),
      fields({ 4: ANNA.sign('pc-peer-record', encodeValue([SALT, 1, VALUE])) }),
    ]
    for (const bytes of others) expect(verifyRecord(readRecord(bytes))).toBe(false)
    expect(verifyRecord(readRecord(fields({ 4: ANNA.sign('pc-dht-record', encodeValue([SALT, 1, VALUE])) })))).toBe(
      true,
    )
  })

  it('fails, and throws nothing, for an author that is no key or not the one that was named', () => {
    expect(verifyRecord(readRecord(fields({ 0: new Uint8Array(32) })))).toBe(false)
    expect(verifyRecord(readRecord(signed().bytes), BEN.id)).toBe(false)
    const byBen = fields({ 4: BEN.sign('pc-dht-record', encodeValue([SALT, 1, VALUE])) })
    expect(verifyRecord(readRecord(byBen), BEN.id)).toBe(false)
  })
})

describe('compareRecords', () => {
  it('prefers the greater sequence, then the greater value, a longer one to its beginning', () => {
    const [a, b, ab] = [Buffer.from('a'), Buffer.from('b'), Buffer.from('ab')]
    expect(compareRecords(signed(2, a), signed(1, b))).toBeGreaterThan(0)
    expect(compareRecords(signed(1, a), signed(1, b))).toBeLessThan(0)
    expect(compareRecords(signed(1, ab), signed(1, a))).toBeGreaterThan(0)
    expect(compareRecords(signed(1, a), signed(1, a))).toBe(0)
    expect(compareRecords(plainRecord(a), plainRecord(a))).toBe(0)
  })

  it('lets all holders end with one record, in whatever order they came', () => {
    const pool = [0, 1, 2].flatMap((sequence) =>
      ['', 'a', 'ab', 'b'].map((text) => signed(sequence, Buffer.from(text))),
    )
    fc.assert(
      fc.property(fc.shuffledSubarray(pool, { minLength: 1 }), (records) => {
        const best = (all: typeof records) => all.reduce((held, next) => (compareRecords(next, held) > 0 ? next : held))
        expect(best(records)).toBe(best([...records].reverse()))
      }),
    )
  })
})

describe('namespaceOf', () => {
  it.each([
    ['name:printer', 'name'],
    ['name', 'name'],
    ['a:b:c', 'a'],
    [':x', ''],
    ['', ''],
  ])('of %j is %j', (salt, namespace) => expect(namespaceOf(Buffer.from(salt))).toBe(namespace))
})

/** With byte strings of one class, to be compared. */
function plainly(record: object): object {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, value instanceof Uint8Array ? hex(value) : value]),
  )
}
