import { isDeepStrictEqual } from 'node:util'
import {
  DATAGRAM_LIMITS,
  decodeMessage,
  decodeValue,
  encodeMessage,
  encodeValue,
  FrameDecoder,
  InvalidPacketError,
  MAX_CONTROL_FRAME,
  type Message,
  MessageReader,
  packMacDatagram,
  RootCode,
  readDatagram,
  STREAM_LIMITS,
  type Value,
  type ValueLimits,
} from '@pc/wire'
import { REFUSED, slowDecode } from '../../../packages/wire/test/_util/oracle.js'
import { datagram, envelopes, frames, msgpack } from '../mutate/shape.js'
import { errors, type Subject, type Target } from '../target.js'
import { columnOf, encodedValues, frame, join, NETWORK, VALUES } from './seeds.js'

const VALUE_CODES = [
  'TRUNCATED',
  'TRAILING_BYTES',
  'TOO_DEEP',
  'TOO_MANY_ELEMENTS',
  'EXTENSION_TYPE',
  'RESERVED_BYTE',
  'BAD_KEY',
  'DUPLICATE_KEY',
  'FORBIDDEN_KEY',
  'BAD_UTF8',
  'INTEGER_RANGE',
]
const ENVELOPE_CODES = [...VALUE_CODES, 'BAD_ENVELOPE', 'VERSION_UNSUPPORTED', 'BAD_HEADER', 'BAD_ID', 'BAD_PEER_ID']
/** The second opinion is slow; beyond this length it is not asked. */
const SECOND_OPINION_BYTES = 400

function decodeValueTarget(name: string, about: string, limits: ValueLimits): Target {
  return {
    name,
    about,
    covers: ['@pc/wire decodeValue'],
    shape: msgpack(),
    seeds: () => [...encodedValues(), ...columnOf('wire/vectors/values.txt', 2)],
    allows: errors(InvalidPacketError, VALUE_CODES),
    open: () => valueSubject(limits),
  }
}

function valueSubject(limits: ValueLimits): Subject {
  const valid = encodeValue([1, { a: 'b' }])
  let refused: unknown
  return {
    handle(input) {
      refused = REFUSED
      const value = decodeValue(input, limits)
      refused = undefined
      return value
    },
    verify(input, result) {
      if (input.length <= SECOND_OPINION_BYTES) {
        const opinion = slowDecode(input, limits.maxDepth, limits.maxElements)
        if (refused === undefined && !isDeepStrictEqual(opinion, plain(result as Value))) {
          return 'another decoder, written from the specification, gives another value'
        }
      }
      return roundTrip(result as Value, limits)
    },
    alive: () =>
      isDeepStrictEqual(decodeValue(valid, limits), [1, { a: 'b' }]) ? undefined : 'another value came back',
  }
}

/** Views of the input as arrays of their own, so that only what is in them is compared. */
function plain(value: Value): Value {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]))
}

/** What was decoded is plain data, and encoding it gives bytes that decode to the same. */
function roundTrip(value: Value, limits: ValueLimits): string | undefined {
  const strange = notPlain(value)
  if (strange !== undefined) return strange
  // A float beyond 2^53 is decoded, but cannot be told from an integer that lost its precision, and is not encoded.
  if (hasHugeFloat(value)) return undefined
  const again = decodeValue(encodeValue(value, limits), limits)
  return isDeepStrictEqual(plain(again), plain(value)) ? undefined : 'encoded again it decodes to another value'
}

function notPlain(value: Value): string | undefined {
  if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? 'a BigInt came out' : undefined
  if (value instanceof Uint8Array) {
    return value.constructor === Uint8Array ? undefined : 'a byte string came out that is no plain Uint8Array'
  }
  if (Array.isArray(value)) return value.map(notPlain).find((text) => text !== undefined)
  if (Object.getPrototypeOf(value) !== Object.prototype) return 'a map came out with a prototype of its own'
  return Object.values(value)
    .map(notPlain)
    .find((text) => text !== undefined)
}

function hasHugeFloat(value: Value): boolean {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return false
  return Object.values(value).some(hasHugeFloat)
}

const message: Message = { header: 'orders/new', id: 7, version: 1, body: { total: 12.5 }, peerId: null }

const decodeMessageTarget: Target = {
  name: 'wire/decodeMessage',
  about: 'an envelope to its message',
  covers: ['@pc/wire decodeMessage'],
  shape: envelopes(['orders/new', 'pc/hello']),
  seeds: () => [
    ...VALUES.map((body, id) => encodeMessage({ header: 'a/b', id, version: 1, body, peerId: null })),
    encodeMessage({ ...message, id: new Uint8Array(16).fill(1), peerId: new Uint8Array(32).fill(2) }),
    ...columnOf('wire/vectors/envelopes.txt', 2),
  ],
  allows: errors(InvalidPacketError, ENVELOPE_CODES),
  open: () => ({
    handle: (input) => decodeMessage(input),
    verify(_input, result) {
      const decoded = result as Message
      const problem = roundTrip(decoded.body, STREAM_LIMITS)
      if (problem !== undefined || hasHugeFloat(decoded.body)) return problem
      const again = decodeMessage(encodeMessage(decoded))
      return again.header === decoded.header && isDeepStrictEqual(again.id, idOf(decoded))
        ? undefined
        : 'encoded again it is another message'
    },
    alive: () =>
      decodeMessage(encodeMessage(message)).header === message.header ? undefined : 'another header came back',
  }),
}

function idOf({ id }: Message): unknown {
  return id instanceof Uint8Array ? Uint8Array.from(id) : id
}

const frameDecoder: Target = {
  name: 'wire/FrameDecoder',
  about: 'a stream to frames, in pieces of every size',
  covers: ['@pc/wire FrameDecoder'],
  shape: frames(['a/b']),
  seeds: () => [
    join(...VALUES.map((body, id) => frame('a/b', id, body))),
    frame('a', 1, new Uint8Array(40_000)),
    ...columnOf('wire/vectors/frames.txt', 3),
  ],
  allows: errors(InvalidPacketError, ['EMPTY_FRAME', 'FRAME_TOO_LARGE', 'FRAME_TRUNCATED']),
  open: () => ({
    handle(input) {
      const decoder = new FrameDecoder({ maxLength: MAX_CONTROL_FRAME })
      const found: Uint8Array[] = []
      for (const piece of pieces(input)) found.push(...decoder.push(piece))
      decoder.end()
      return found
    },
    verify(input, result) {
      const whole = new FrameDecoder({ maxLength: MAX_CONTROL_FRAME }).push(input)
      const same = isDeepStrictEqual(
        (result as Uint8Array[]).map((one) => Uint8Array.from(one)),
        whole.map((one) => Uint8Array.from(one)),
      )
      return same ? undefined : 'in pieces it gives other frames than in one'
    },
    alive() {
      const [one] = new FrameDecoder().push(frame('a', 1, 2))
      return one !== undefined && decodeMessage(one).body === 2 ? undefined : 'the frame did not come back'
    },
  }),
}

const messageReader: Target = {
  name: 'wire/MessageReader',
  about: 'a stream to messages, in pieces of every size',
  covers: ['@pc/wire MessageReader'],
  shape: frames(['a/b', 'pc/hello']),
  seeds: () => [
    join(...VALUES.map((body, id) => frame('a/b', id, body))),
    frame('a', 1, new Uint8Array(40_000)),
    ...columnOf('wire/vectors/frames.txt', 3),
  ],
  allows: errors(InvalidPacketError, [...ENVELOPE_CODES, 'EMPTY_FRAME', 'FRAME_TOO_LARGE', 'FRAME_TRUNCATED']),
  open: () => ({
    handle(input) {
      const reader = new MessageReader({ maxLength: MAX_CONTROL_FRAME })
      const found: Message[] = []
      for (const piece of pieces(input)) {
        reader.push(piece)
        for (let one = reader.next(); one !== undefined; one = reader.next()) found.push(one)
      }
      reader.end()
      return found
    },
    verify(input, result) {
      const whole = new FrameDecoder({ maxLength: MAX_CONTROL_FRAME }).push(input).map((one) => decodeMessage(one))
      return isDeepStrictEqual(result, whole)
        ? undefined
        : 'it reads other messages than FrameDecoder and decodeMessage'
    },
    alive() {
      const reader = new MessageReader()
      reader.push(frame('a', 1, 2))
      return reader.next()?.body === 2 ? undefined : 'the message did not come back'
    },
  }),
}

/** How a stream is cut depends on its bytes alone. */
export function pieces(input: Uint8Array): Uint8Array[] {
  const cut: Uint8Array[] = []
  let state = input.length
  for (let at = 0; at < input.length; ) {
    state = (state * 31 + (input[at] ?? 0) + 7) % 65_521
    const length = [1, 2, 3, 4, 5, 7, 64, 1_000, 16_384, 70_000][state % 10] ?? 1
    // Not thousands of single bytes: a kernel does not do that, and it would be the harness that is measured.
    const least = Math.ceil(input.length / 64)
    cut.push(input.subarray(at, at + Math.max(least, length)))
    at += Math.max(least, length)
  }
  return cut
}

export const BOOT: Uint8Array = new Uint8Array(8).fill(9)

/** Datagrams under the network MAC with these bodies. */
export function macDatagrams(bodies: readonly Value[], rootCode: number = RootCode.DISCOVERY): Uint8Array[] {
  return bodies.map((body, index) => {
    const fields = { rootCode, keyId: NETWORK.keyId, sentAt: 1_000 + index, bootId: BOOT, body: encodeValue(body) }
    return packMacDatagram(fields, (bytes) => NETWORK.mac(bytes))
  })
}

/** Root code, version, key id, stamp, boot id; body; MAC: changed inside, under a right MAC. */
export const macDatagram = datagram({ head: 20, mac: 16, sealed: (bytes) => NETWORK.mac(bytes) })

const datagramTarget: Target = {
  name: 'wire/readDatagram',
  about: 'the head of a datagram, of every protection',
  covers: ['@pc/wire readDatagram'],
  shape: macDatagram,
  seeds: () => [...macDatagrams(VALUES), ...columnOf('wire/vectors/datagrams.txt', 2)],
  allows: errors(InvalidPacketError, [
    'DATAGRAM_TOO_SHORT',
    'DATAGRAM_TOO_LARGE',
    'ROOT_CODE_UNKNOWN',
    'VERSION_UNSUPPORTED',
    'PROTECTION_UNKNOWN',
  ]),
  open: () => ({
    handle: (input) => readDatagram(input),
    verify(input, result) {
      const read = result as ReturnType<typeof readDatagram>
      const parts =
        'mac' in read
          ? [read.authenticated, read.mac]
          : 'tag' in read
            ? [read.associated, read.sealed, read.tag]
            : [input.subarray(0, 2), read.body]
      return Buffer.compare(Buffer.concat(parts), input) === 0 ? undefined : 'its parts together are not the datagram'
    },
    alive: () =>
      macDatagrams([1]).every((one) => readDatagram(one).protection === 1) ? undefined : 'another protection',
  }),
}

export const wireTargets: readonly Target[] = [
  decodeValueTarget('wire/decodeValue', 'a msgpack value, with the limits of connections', STREAM_LIMITS),
  decodeValueTarget('wire/decodeValue-datagram', 'a msgpack value, with the limits of datagrams', DATAGRAM_LIMITS),
  decodeMessageTarget,
  frameDecoder,
  messageReader,
  datagramTarget,
]
