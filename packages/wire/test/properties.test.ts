import {
  decodeMessage,
  decodeValue,
  encodeFrame,
  encodeMessage,
  encodeValue,
  FrameDecoder,
  FrameWriter,
  InvalidPacketError,
  MAX_FRAME,
  type Message,
  readDatagram,
  STREAM_LIMITS,
  type Value,
} from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyMessage, anyValue, mutated } from './_util/arbitrary.js'
import { foreignEncode, REFUSED, slowDecode, slowEncode } from './_util/oracle.js'

// Chooses msgpack type bytes often, so that random bytes get past the first one.
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .array(fc.oneof(fc.integer({ min: 0x80, max: 0xdf }), fc.constantFrom(0, 1, 2, 0x61, 0xa1)), { maxLength: 60 })
    .map((list) => Uint8Array.from(list)),
  mutated(anyValue.map((value) => encodeValue(value))),
)

function refusal(action: () => unknown): string | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof InvalidPacketError) return error.code
    throw error
  }
}

describe('values', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(decodeValue(encodeValue(value))).toStrictEqual(strip(value))
      }),
    )
  })

  test('written by a program with other settings are read', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        // It writes integers beyond 32 bits as float64, which reads the same, and -0 as 0.
        expect(decodeValue(foreignEncode(value))).toStrictEqual(withoutMinusZero(value))
      }),
    )
  })

  test('have one encoding: decoding it and encoding again gives the same bytes', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeValue(value)
        expect(encodeValue(decodeValue(bytes))).toStrictEqual(bytes)
      }),
    )
  })

  test('are written as by a slow writer of the specification', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(Array.from(encodeValue(value))).toStrictEqual(slowEncode(value))
      }),
    )
  })

  test('any bytes are read or refused with an InvalidPacketError, never anything else', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => void refusal(() => decodeValue(bytes))),
      { numRuns: 1_000 },
    )
  })

  test('any bytes are read or refused as by a slow reader of the specification', () => {
    const limits = { maxDepth: 3, maxElements: 12 }
    const either = fc.oneof(
      anyBytes,
      anyValue.map((value) => encodeValue(value)),
    )
    fc.assert(
      fc.property(either, fc.boolean(), (bytes, tight) => {
        const { maxDepth, maxElements } = tight ? limits : STREAM_LIMITS
        const expected = slowDecode(bytes, maxDepth, maxElements)
        const read = () => decodeValue(bytes, { maxDepth, maxElements })
        if (expected === REFUSED) expect(refusal(read)).toBeDefined()
        else expect(read()).toStrictEqual(expected)
      }),
      { numRuns: 1_500 },
    )
  })

  test('every proper prefix of an encoding is refused as TRUNCATED', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeValue(value)
        for (let length = 0; length < bytes.length; length += Math.max(1, bytes.length >> 5)) {
          expect(refusal(() => decodeValue(bytes.subarray(0, length)))).toBe('TRUNCATED')
        }
      }),
      { numRuns: 50 },
    )
  })
})

describe('messages', () => {
  test('are written as by a slow writer of the specification', () => {
    fc.assert(
      fc.property(anyMessage, ({ header, id, version, body, peerId }) => {
        const expected = [header, id, version, body, peerId].flatMap(slowEncode)
        expect(Array.from(encodeMessage({ header, id, version, body, peerId }))).toStrictEqual([0x95, ...expected])
      }),
    )
  })

  test('come back as they were', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encodeMessage(message))).toStrictEqual({ ...message, body: strip(message.body) })
      }),
    )
  })

  test('any bytes are read or refused with an InvalidPacketError', () => {
    const bytes = fc.oneof(anyBytes, mutated(anyMessage.map((message) => encodeMessage(message))))
    fc.assert(
      fc.property(bytes, (some) => void refusal(() => decodeMessage(some))),
      { numRuns: 1_000 },
    )
  })
})

describe('frames', () => {
  const messages = fc.array(anyMessage, { minLength: 1, maxLength: 6 })
  const cuts = fc.array(fc.nat(), { maxLength: 30 })

  test('written into chunks are those written one by one', () => {
    fc.assert(
      fc.property(messages, fc.nat({ max: 6 }), (list, border) => {
        const writer = new FrameWriter()
        const write = ({ header, id, body, peerId }: Message) => writer.write(header, id, body, peerId)
        const lengths = list.slice(0, border).map(write)
        const taken = writer.take()
        lengths.push(...list.slice(border).map(write))
        const frames = list.map((message) => encodeFrame(message))
        expect(concat([...taken, ...writer.take()])).toStrictEqual(concat(frames))
        expect(lengths).toStrictEqual(frames.map((frame) => frame.length))
      }),
    )
  })

  test('any split of a stream gives the same frames', () => {
    fc.assert(
      fc.property(messages, cuts, (list, places) => {
        const stream = concat(list.map((message) => encodeFrame(message)))
        const frames = list.map((message) => encodeMessage(message))
        const decoder = new FrameDecoder()
        const found = split(stream, places).flatMap((chunk) => decoder.push(chunk))
        decoder.end()
        expect(found).toStrictEqual(frames)
        expect(decoder.buffered).toBe(0)
      }),
    )
  })

  test('any bytes in any split give frames or one InvalidPacketError, the same for every split', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      mutated(messages.map((list) => concat(list.map((message) => encodeFrame(message))))),
    )
    fc.assert(
      fc.property(bytes, cuts, (stream, places) => {
        const outcome = (chunks: Uint8Array[]) => {
          const decoder = new FrameDecoder({ maxLength: MAX_FRAME })
          return refusal(() => {
            for (const chunk of chunks) decoder.push(chunk)
            decoder.end()
          })
        }
        expect(outcome(split(stream, places))).toBe(outcome([stream]))
      }),
      { numRuns: 500 },
    )
  })
})

test('any bytes are a datagram or refused with an InvalidPacketError', () => {
  const bytes = fc.tuple(fc.nat({ max: 5 }), fc.integer({ min: 0x0f, max: 0x15 }), fc.uint8Array({ maxLength: 80 }))
  fc.assert(
    fc.property(bytes, ([root, second, rest]) => {
      void refusal(() => readDatagram(Uint8Array.from([root, second, ...rest])))
    }),
    { numRuns: 1_000 },
  )
})

function concat(list: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(list))
}

function split(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const borders = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...borders].map((start, index) => bytes.subarray(start, borders[index] ?? bytes.length))
}

/** Objects made by fast-check may have no prototype; decoded ones always have the plain one. */
function strip(value: Value): Value {
  return walk(value, (leaf) => leaf)
}

function withoutMinusZero(value: Value): Value {
  return walk(value, (leaf) => (leaf === 0 ? 0 : leaf))
}

function walk(value: Value, change: (leaf: Value) => Value): Value {
  if (Array.isArray(value)) return value.map((item) => walk(item, change))
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return change(value)
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, walk(member, change)]))
}
