/** How the bytes of an input are made up, so that a change can be made inside while everything around it stays right. */
import type { SeededRandom } from '@pc/testkit'
import { decodeTree, encodeTree, type Tree, text } from './tree.js'
import { mutateTree, unfold } from './tree-mutations.js'

export interface Shape {
  /** A change of what the bytes mean; `undefined` when these bytes mean nothing. */
  mutate(bytes: Uint8Array, random: SeededRandom): Uint8Array | undefined
  /** Puts a value of any size where a stranger's value goes, in an input otherwise like `seed`. */
  wrap(value: Uint8Array, random: SeededRandom, seed: Uint8Array): Uint8Array
  /** Bytes that `wrap` adds, at most. */
  readonly around: number
}

/** Nothing is known about the inside. */
export const opaque: Shape = { mutate: () => undefined, wrap: (value) => value, around: 0 }

/** One msgpack value. `unfolded`: byte strings in its outer array that hold a value themselves are changed inside, too. */
export function msgpack(options: { unfolded?: boolean; seal?: (tree: Tree) => Tree } = {}): Shape {
  const { unfolded = false, seal = (tree) => tree } = options
  return {
    around: 0,
    wrap: (value) => value,
    mutate(bytes, random) {
      const tree = decodeTree(bytes)
      if (tree === undefined) return undefined
      if (unfolded && tree.kind === 'array') tree.items = tree.items.map(unfold)
      const mutated = mutateTree(tree, random)
      return encodeTree(random.float() < 0.5 ? seal(mutated) : mutated)
    },
  }
}

const PREFIX = 4
/** Of the envelope [header, id, 1, body, nil] without its body, and of the prefix: header of 66, id of 9. */
const ENVELOPE = 96

/** Envelopes behind each other, each with its length before it; `headers` are those that the receiver knows. */
export function frames(headers: readonly string[]): Shape {
  return {
    around: ENVELOPE,
    wrap: (value, random) => frame(envelope(random.pick(headers), random.integer(0, 3), value)),
    mutate(bytes, random) {
      const parts = cut(bytes)
      if (parts === undefined) return undefined
      const at = random.integer(0, parts.length - 1)
      const part = parts[at] ?? new Uint8Array()
      switch (random.integer(0, 9)) {
        case 0:
          parts.splice(at, 1)
          break
        case 1:
          parts.splice(at, 0, part)
          break
        case 2:
          parts.splice(random.integer(0, parts.length), 0, ...parts.splice(at, 1))
          break
        case 3: {
          const claimed = Buffer.from(frame(part))
          claimed.writeUInt32BE(
            random.pick([0, 1, part.length - 1, part.length + 1, 65_536, 65_537, 2 ** 24, 2 ** 32 - 1]) >>> 0,
          )
          return Buffer.concat([...parts.slice(0, at).map(frame), claimed, ...parts.slice(at + 1).map(frame)])
        }
        default:
          parts[at] = mutateEnvelope(part, random) ?? part
      }
      return Buffer.concat(parts.map(frame))
    },
  }
}

/** Envelopes alone, for those who get them without a stream. */
export function envelopes(headers: readonly string[]): Shape {
  return {
    around: ENVELOPE,
    wrap: (value, random) => envelope(random.pick(headers), random.integer(0, 3), value),
    mutate: mutateEnvelope,
  }
}

/** A body between a head and a MAC over both; `sealed` makes the MAC of what comes before it. */
export function datagram(options: { head: number; mac: number; sealed: (before: Uint8Array) => Uint8Array }): Shape {
  const { head, mac, sealed } = options
  const seal = (before: Uint8Array): Uint8Array => Buffer.concat([before, sealed(before)])
  return {
    around: head + mac,
    wrap: (value, _random, seed) => seal(Buffer.concat([seed.subarray(0, head), value])),
    mutate(bytes, random) {
      if (bytes.length < head + mac) return undefined
      const before = Uint8Array.from(bytes.subarray(0, bytes.length - mac))
      if (random.float() < 0.25) {
        const at = random.integer(0, head - 1)
        before[at] = random.integer(0, 255)
        return seal(before)
      }
      const body = decodeTree(before.subarray(head))
      if (body === undefined) return undefined
      return seal(Buffer.concat([before.subarray(0, head), encodeTree(mutateTree(body, random))]))
    },
  }
}

/** Texts, as UTF-8. */
export const plainText: Shape = {
  around: 0,
  wrap: (value) => value,
  mutate(bytes, random) {
    const text = Array.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
    const at = random.integer(0, text.length)
    switch (random.integer(0, 5)) {
      case 0:
        return Buffer.from(text.join('').toUpperCase())
      case 1:
        text.splice(at, 0, random.pick(PIECES))
        break
      case 2:
        text.splice(at, 1, random.pick(PIECES))
        break
      case 3:
        text.splice(at, random.integer(1, 3))
        break
      case 4:
        text.splice(at, 0, ...new Array<string>(random.pick([8, 64, 300, 5_000])).fill(random.pick(PIECES)))
        break
      default: {
        const [one = '', two = ''] = text.slice(at, at + 2)
        text.splice(at, 2, two, one)
      }
    }
    return Buffer.from(text.join(''))
  },
}
const PIECES = [
  '-',
  ' ',
  '0',
  'o',
  'l',
  'I',
  'z',
  '~',
  ':',
  '.',
  '[',
  ']',
  '%',
  '*',
  '!',
  ',',
  '/',
  '\0',
  '\n',
  '\u212a',
  '\u0130',
  '\ufeff',
  '😀',
  '9999999999',
]

/**
 * DER elements (X.690): a change of one element at any depth, with the lengths around it set right again; so what is
 * wrong is the element, and not all of the rest.
 */
export const der: Shape = {
  around: 0,
  wrap: (value) => value,
  mutate(bytes, random) {
    const elements = readElements(bytes)
    if (elements === undefined) return undefined
    const all = flat(elements)
    const element = random.pick(all)
    switch (random.integer(0, 7)) {
      case 0:
        element.tag = random.integer(0, 255)
        break
      case 1:
        element.tag ^= 1 << random.integer(0, 7)
        break
      case 2:
        element.content = random.bytes(random.pick([0, 1, 13, 15, 32, 33, 64, 200]))
        element.inside = undefined
        break
      case 3:
        element.claim = random.pick([0, 1, 127, 128, 255, 256, 65_535, 2 ** 24, 2 ** 32 - 1])
        break
      case 4:
        if (element.inside !== undefined) element.inside.splice(random.integer(0, element.inside.length), 1)
        break
      case 5:
        element.inside?.push(...structuredClone([random.pick(all)]))
        break
      case 6:
        element.content = random.pick(all).content
        element.inside = undefined
        break
      default: {
        const content = Uint8Array.from(element.content)
        if (content.length > 0) content[random.integer(0, content.length - 1)] = random.integer(0, 255)
        element.content = content
        element.inside = undefined
      }
    }
    return Buffer.concat(elements.map(writeElement))
  },
}

function mutateEnvelope(bytes: Uint8Array, random: SeededRandom): Uint8Array | undefined {
  const tree = decodeTree(bytes)
  if (tree?.kind !== 'array') return undefined
  const body = tree.items[3]
  const kind = random.float()
  if (body !== undefined && kind < 0.08) {
    // Nothing at all where a map is expected: what is forgotten most often.
    tree.items[3] = { kind: 'nil' }
    return encodeTree(tree)
  }
  if (body !== undefined && kind < 0.7) {
    tree.items[3] = mutateTree(body, random)
    return encodeTree(tree)
  }
  return encodeTree(mutateTree(tree, random))
}

function envelope(header: string, id: number, body: Uint8Array): Uint8Array {
  const items: Tree[] = [
    text(header),
    { kind: 'integer', value: BigInt(id) },
    { kind: 'integer', value: 1n },
    { kind: 'raw', bytes: body },
    { kind: 'nil' },
  ]
  return encodeTree({ kind: 'array', items })
}

function frame(bytes: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(PREFIX)
  prefix.writeUInt32BE(bytes.length)
  return Buffer.concat([prefix, bytes])
}

function cut(bytes: Uint8Array): Uint8Array[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const parts: Uint8Array[] = []
  for (let at = 0; at < buffer.length; ) {
    if (at + PREFIX > buffer.length) return undefined
    const end = at + PREFIX + buffer.readUInt32BE(at)
    if (end > buffer.length) return undefined
    parts.push(Uint8Array.from(buffer.subarray(at + PREFIX, end)))
    at = end
  }
  return parts.length === 0 ? undefined : parts
}

interface Element {
  tag: number
  content: Uint8Array
  inside: Element[] | undefined
  claim?: number
}

const CONSTRUCTED = 0x20

function readElements(bytes: Uint8Array): Element[] | undefined {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1] ?? 0x80
    const width = first < 0x80 ? 0 : first & 0x7f
    if ((first >= 0x80 && width === 0) || width > 4) return undefined
    const start = at + 2 + width
    const length =
      width === 0 ? first : Buffer.from(bytes.subarray(at + 2, start)).readUIntBE(0, Math.min(width, start))
    if (start + length > bytes.length) return undefined
    const content = Uint8Array.from(bytes.subarray(start, start + length))
    elements.push({ tag, content, inside: (tag & CONSTRUCTED) === 0 ? undefined : readElements(content) })
    at = start + length
  }
  return elements.length === 0 ? undefined : elements
}

function flat(elements: readonly Element[]): Element[] {
  return elements.flatMap((element) => [element, ...flat(element.inside ?? [])])
}

function writeElement(element: Element): Uint8Array {
  const content = element.inside === undefined ? element.content : Buffer.concat(element.inside.map(writeElement))
  const length = element.claim ?? content.length
  const width = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x1_0000 ? 2 : length < 0x100_0000 ? 3 : 4
  const head = Buffer.alloc(2 + width)
  head[0] = element.tag
  head[1] = width === 0 ? length : 0x80 | width
  if (width > 0) head.writeUIntBE(length, 2, width)
  return Buffer.concat([head, content])
}
