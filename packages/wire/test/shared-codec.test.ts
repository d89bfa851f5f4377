import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { decodeValue, encodeValue, type Value } from '@pc/wire'
import { addExtension, Packr, pack, unpack } from 'msgpackr'
import { Packr as PackrOfOurBuild } from 'msgpackr/index-no-eval'
import { describe, expect, test } from 'vitest'
import { thrownBy } from './_util/thrown.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

describe('extensions that somebody else in the process registers with msgpackr', () => {
  const write = () => new Uint8Array([1, 2, 3])
  for (const Class of [Uint8Array, Buffer, Object, Array, Date]) addExtension({ Class, type: 7, pack: write })
  addExtension({ type: 0x42, unpack: () => 'read by somebody else' })

  test('do what they say, elsewhere', () => {
    expect(hex(pack(Uint8Array.of(9)))).toBe('c70307010203')
    expect(unpack(Buffer.from('d44200', 'hex'))).toBe('read by somebody else')
  })

  test('change nothing of what is sent', () => {
    const bare = Object.assign(Object.create(null), { b: Buffer.of(1) }) as Value
    expect(hex(encodeValue([Uint8Array.of(9), bare, { a: [] }, 2 ** 40]))).toBe(
      '94c4010981a162c4010181a16190cf0000010000000000',
    )
    expect(thrownBy(() => encodeValue([new Date(0)] as unknown as Value))).toMatchObject({ code: 'UNENCODABLE' })
  })

  test('change nothing of what is accepted', () => {
    for (const bytes of ['d44200', '91d44200', 'c70307010203']) {
      expect(thrownBy(() => decodeValue(Buffer.from(bytes, 'hex')))).toMatchObject({ code: 'EXTENSION_TYPE' })
    }
  })
})

describe('the codec', () => {
  // All instances of one build of msgpackr share the buffer they pack into: another instance shows its size.
  const bufferLength = () => new PackrOfOurBuild({ useRecords: false }).pack(null).buffer.byteLength

  test.each<[string, Value]>([
    ['bytes', new Uint8Array(1_000_000)],
    ['text', 'é'.repeat(1_000_000)],
    ['many items', new Array<Value>(4_000).fill('x'.repeat(100))],
  ])('keeps no large buffer after large values: %s', (_name, value) => {
    const bytes = encodeValue(value)
    expect(bytes.buffer.byteLength).toBe(bytes.length)
    expect(bufferLength()).toBeLessThanOrEqual(65_536)
  })

  test('packs small values into one buffer again and again', () => {
    encodeValue(0)
    const buffer = new PackrOfOurBuild({ useRecords: false }).pack(null).buffer
    for (let index = 0; index < 10_000; index++) encodeValue(['message', index])
    expect(new PackrOfOurBuild({ useRecords: false }).pack(null).buffer).toBe(buffer)
  })

  test('does not hold a large buffer that it unpacked', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const unpackOnce = () => {
      const bytes = encodeValue([new Uint8Array(1_000_000)])
      decodeValue(bytes)
      return new WeakRef(bytes.buffer)
    }
    const reference = unpackOnce()
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    expect(reference.deref()).toBeUndefined()
  })

  test('is a build that cannot load native code, and is not the one others import', () => {
    const path = createRequire(import.meta.url).resolve('msgpackr/index-no-eval')
    expect(readFileSync(path, 'utf8')).not.toMatch(/require\(|msgpackr-extract|setExtractor/)
    expect(PackrOfOurBuild).not.toBe(Packr)
  })
})
