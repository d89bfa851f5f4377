/** Inputs that begin from nothing: the extremes of size, depth and number, real and only claimed. */
import { SeededRandom } from '@pc/testkit'

/** The most bytes that the large inputs have: as many as a control frame may. */
export const LARGE = 65_536
const DATAGRAM = 1_200

/** @param length of the large ones */
export function wholeInput(random: SeededRandom, length: number, large: boolean): Uint8Array {
  if (large) return largeInput(random, length)
  switch (random.integer(0, 3)) {
    case 0:
      return new Uint8Array()
    case 1:
      return random.bytes(random.integer(1, 5))
    case 2:
      return claim(random)
    default:
      return random.pick(FILLS)(random.pick([DATAGRAM - 1, DATAGRAM, DATAGRAM + 1, 300]), random)
  }
}

/** Made once for each length: there are as many as there are kinds, and they take their time. */
function largeInput(random: SeededRandom, length: number): Uint8Array {
  const made = LARGE_INPUTS.get(length) ?? FILLS.map((fill) => fill(length, new SeededRandom('large inputs')))
  LARGE_INPUTS.set(length, made)
  return random.pick(made)
}
const LARGE_INPUTS = new Map<number, readonly Uint8Array[]>()

const FILLS: readonly ((length: number, random: SeededRandom) => Uint8Array)[] = [
  (length, random) => random.bytes(length),
  // as deep as it is long
  (length) => new Uint8Array(length).fill(0x91),
  (length) => repeated([0x81, 0xa1, 0x61], length),
  // as many elements as fit, of the cheapest kinds
  (length) => counted(0xdd, length - 5, new Uint8Array(length - 5).fill(0xc0)),
  (length) => counted(0xdd, length - 5, new Uint8Array(length - 5).fill(0x90)),
  (length) => counted(0xdd, length - 5, new Uint8Array(length - 5).fill(0x80)),
  // as many as are allowed, each as large as then fits
  (length) => {
    const count = Math.min(4_096, Math.floor((length - 5) / 3))
    const each = Math.floor((length - 5) / count) - 2
    return padded(
      counted(0xdd, count, repeated([0xc4, each, ...new Array<number>(each).fill(0x61)], (each + 2) * count)),
      length,
    )
  },
  (length) => keys(length, (index) => index.toString(36).padStart(4, '0')),
  (length) => keys(length, (index) => `${'k'.repeat(9)}${index.toString(36)}`),
  // nested maps of a few members each
  (length) => {
    const leaf = [
      0x84, 0xa1, 0x61, 0x01, 0xa1, 0x62, 0xcb, 0x40, 9, 33, 251, 84, 68, 45, 24, 0xa1, 0x63, 0xc3, 0xa1, 0x64, 0x90,
    ]
    const count = Math.floor((length - 5) / leaf.length)
    return counted(0xdd, count, repeated(leaf, count * leaf.length))
  },
  // one text, one byte string
  (length) => counted(0xdb, length - 5, new Uint8Array(length - 5).fill(0x61)),
  (length) => counted(0xdb, length - 5, repeated([0xf0, 0x9f, 0x98, 0x80], length - 5)),
  (length) => counted(0xdb, length - 5, repeated([0xef, 0xbb, 0xbf, 0x61], length - 5)),
  (length) => counted(0xc6, length - 5, new Uint8Array(length - 5)),
  // many texts that begin with U+FEFF
  (length) => {
    const one = [0xd9, 68, 0xef, 0xbb, 0xbf, ...new Array<number>(65).fill(0x61)]
    const count = Math.floor((length - 5) / one.length)
    return counted(0xdd, count, repeated(one, count * one.length))
  },
  // a frame around something
  (length, random) => counted(0x00, length - 4, random.bytes(length - 5)).subarray(1),
  // a great number of the smallest frames
  (length) => repeated([0, 0, 0, 1, 0xc0], length),
]

/** A count or a length, and nothing behind it. */
function claim(random: SeededRandom): Uint8Array {
  const count = random.pick([1, 0xff, 0xffff, 2 ** 20, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1])
  const tag = random.pick([0xc6, 0xc9, 0xdb, 0xdd, 0xdf])
  const head = counted(tag, count, random.bytes(random.integer(0, 3)))
  // Without its tag it is the prefix of a frame.
  return random.float() < 0.4 ? head.subarray(1) : head
}

function counted(tag: number, count: number, content: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(5 + content.length)
  bytes[0] = tag
  bytes.writeUInt32BE(count, 1)
  bytes.set(content, 5)
  return new Uint8Array(bytes)
}

function repeated(pattern: readonly number[], length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let index = 0; index < length; index++) bytes[index] = pattern[index % pattern.length] ?? 0
  return bytes
}

/** A map with as many members as are allowed and fit, all different. */
function keys(length: number, name: (index: number) => string): Uint8Array {
  const parts: Buffer[] = []
  let size = 5
  for (let index = 0; parts.length < 4_096; index++) {
    const key = Buffer.from(name(index), 'latin1')
    if (size + key.length + 2 > length) break
    parts.push(Buffer.concat([Uint8Array.of(0xa0 | key.length), key, Uint8Array.of(0xc0)]))
    size += key.length + 2
  }
  return counted(0xdf, parts.length, Buffer.concat(parts))
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.length <= length ? bytes : bytes.subarray(0, length)
}
