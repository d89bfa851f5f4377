/** Changes that know nothing of what the bytes mean. */
import type { SeededRandom } from '@pc/testkit'

/** One to four changes; `other` is what may be spliced in. */
export function mutateBytes(bytes: Uint8Array, other: Uint8Array, random: SeededRandom): Uint8Array {
  let changed: Uint8Array = Uint8Array.from(bytes)
  for (let changes = random.integer(1, 4); changes > 0; changes--) {
    changed = random.pick(CHANGES)(changed, other, random)
  }
  return changed
}

type Change = (bytes: Uint8Array, other: Uint8Array, random: SeededRandom) => Uint8Array

/** Type bytes of msgpack, ends of ranges, and what often means something. */
const TELLING = [
  0x00, 0x01, 0x7f, 0x80, 0x81, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcf,
  0xd3, 0xd4, 0xd8, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff,
]

const CHANGES: readonly Change[] = [
  // flip a bit
  (bytes, _other, random) => setAt(bytes, random, (byte) => byte ^ (1 << random.integer(0, 7))),
  (bytes, _other, random) => setAt(bytes, random, (byte) => byte ^ (1 << random.integer(0, 7))),
  // another byte
  (bytes, _other, random) => setAt(bytes, random, () => random.integer(0, 255)),
  (bytes, _other, random) => setAt(bytes, random, () => random.pick(TELLING)),
  // a number of 4 bytes, as lengths are
  (bytes, _other, random) => {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(
      random.pick([0, 1, 2, 255, 65_535, 65_536, 65_537, 2 ** 20, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]),
    )
    return splice(bytes, random.integer(0, bytes.length), 4, number)
  },
  // truncate, at either end
  (bytes, _other, random) => bytes.subarray(0, random.integer(0, bytes.length)),
  (bytes, _other, random) => bytes.subarray(random.integer(0, Math.min(8, bytes.length))),
  // insert, delete, duplicate a range
  (bytes, _other, random) => splice(bytes, random.integer(0, bytes.length), 0, random.bytes(random.integer(1, 8))),
  (bytes, _other, random) => splice(bytes, random.integer(0, bytes.length), random.integer(1, 8), new Uint8Array()),
  (bytes, _other, random) => {
    const from = random.integer(0, bytes.length)
    return splice(bytes, random.integer(0, bytes.length), 0, bytes.subarray(from, from + random.integer(1, 64)))
  },
  // the head of one, the tail of another
  (bytes, other, random) =>
    Buffer.concat([
      bytes.subarray(0, random.integer(0, bytes.length)),
      other.subarray(random.integer(0, other.length)),
    ]),
  // something behind the end
  (bytes, other, random) => Buffer.concat([bytes, random.float() < 0.5 ? other : random.bytes(random.integer(1, 16))]),
  // a range of one value
  (bytes, _other, random) => {
    const from = random.integer(0, bytes.length)
    const filled = Uint8Array.from(bytes)
    return filled.fill(random.pick(TELLING), from, from + random.integer(1, 16))
  },
]

function setAt(bytes: Uint8Array, random: SeededRandom, to: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(to(0))
  const changed = Uint8Array.from(bytes)
  const at = random.integer(0, bytes.length - 1)
  changed[at] = to(changed[at] ?? 0)
  return changed
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]))
}
