/** Changes of a decoded value that keep most of it right, so that what is behind the first check is reached too. */
import type { SeededRandom } from '@pc/testkit'
import { decodeTree, encodeTree, integer, nodesOf, type Tree, text } from './tree.js'

/** One to three changes; the tree given may be used up. */
export function mutateTree(tree: Tree, random: SeededRandom): Tree {
  let root = tree
  for (let changes = random.integer(1, 3); changes > 0; changes--) {
    const { node, replace } = random.pick(
      nodesOf(root, (by) => {
        root = by
      }),
    )
    const change = random.pick(CHANGES)
    const changed = change(node, random)
    if (changed !== undefined) replace(changed)
  }
  return root
}

/** A value of any kind, nested a little. */
export function anyTree(random: SeededRandom, depth = 0): Tree {
  const kind = random.integer(0, depth > 2 ? 8 : 10)
  switch (kind) {
    case 0:
      return { kind: 'nil' }
    case 1:
      return { kind: 'boolean', value: random.float() < 0.5 }
    case 2:
      return integer(random.pick(INTEGERS))
    case 3:
      return { kind: 'float', value: random.pick(FLOATS), single: random.float() < 0.3 }
    case 4:
      return { kind: 'text', bytes: random.pick(TEXTS) }
    case 5:
      return text(random.pick(NAMES))
    case 6:
      return { kind: 'binary', bytes: random.bytes(random.pick([0, 1, 7, 8, 9, 16, 31, 32, 33, 64, 300])) }
    case 7:
      return {
        kind: 'extension',
        type: random.pick(EXTENSION_TYPES),
        bytes: random.bytes(random.pick([0, 1, 4, 8, 12])),
      }
    case 8:
      return { kind: 'raw', bytes: Uint8Array.of(0xc1) }
    case 9:
      return { kind: 'array', items: many(random, () => anyTree(random, depth + 1)) }
    default:
      return { kind: 'map', entries: many(random, () => [anyKey(random), anyTree(random, depth + 1)]) }
  }
}

type Change = (node: Tree, random: SeededRandom) => Tree | undefined

const CHANGES: readonly Change[] = [
  (_node, random) => anyTree(random),
  (_node, random) => anyTree(random),
  (node, random) => ({ ...node, form: random.integer(1, 3) }),
  (node, random) => ({ ...node, claim: random.pick(CLAIMS), form: random.integer(0, 2) }),
  (node, random) => lieByOne(node, random),
  (node, random) => nest(node, random),
  (node, random) =>
    node.kind === 'integer' ? integer(node.value + BigInt(random.integer(-1, 1))) : integer(random.pick(INTEGERS)),
  (node, random) => asFloat(node, random),
  (node, random) => changeText(node, random),
  (node, random) => changeText(node, random),
  (node, random) => changeBinary(node, random),
  (node, random) => changeBinary(node, random),
  (node, random) => changeMembers(node, random),
  (node, random) => changeMembers(node, random),
  (node, random) => changeMembers(node, random),
  (_node, random) => huge(random),
]

const CLAIMS = [
  0,
  1,
  15,
  16,
  31,
  32,
  255,
  256,
  4_096,
  4_097,
  65_535,
  65_536,
  2 ** 24,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
]
const INTEGERS = [
  0n,
  1n,
  -1n,
  31n,
  32n,
  127n,
  128n,
  255n,
  256n,
  4_096n,
  65_535n,
  65_536n,
  -32n,
  -33n,
  -128n,
  -129n,
  -32_769n,
  ...[31n, 32n, 47n, 48n, 52n, 53n, 63n, 64n].flatMap((bits) => [(1n << bits) - 1n, 1n << bits, (1n << bits) + 1n]),
  ...[31n, 53n, 63n].flatMap((bits) => [-(1n << bits) + 1n, -(1n << bits), -(1n << bits) - 1n]),
]
const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e-320,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  -(2 ** 53),
  1e300,
  Number.MAX_VALUE,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
]
/** Timestamp, msgpackr's own (records, errors, sets, bundles, structures), and the ends of the range. */
const EXTENSION_TYPES = [0xff, 0x72, 0x69, 0x70, 0x73, 0x74, 0x78, 0x62, 0x42, 0x65, 0x40, 0x01, 0x00, 0x7f, 0x80]
const NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'then',
  'length',
  'toJSON',
  '',
  'code',
  'text',
  'body',
  'name',
  'ttl',
  'epoch',
  'seq',
  'at',
  'type',
  'details',
  'retryable',
  'version',
  'kind',
  'pc/hello',
  'pc/goaway',
  'pc/ping',
  'pc/pong',
  'pc/request',
  'pc/reply',
  'pc/error',
  'pc/cancel',
  'pc/message',
  'pc/ack',
  'hello',
  'cancel',
  'ok',
  'error',
  'event',
  'end',
  'control',
  'bulk',
  '~',
  'a'.repeat(64),
  'a'.repeat(65),
]
/** What is no UTF-8, and what is UTF-8 but troublesome. */
const TEXTS: readonly Uint8Array[] = [
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xe0, 0x80, 0x80],
  [0xf0, 0x80, 0x80, 0x80], // overlong
  [0xed, 0xa0, 0x80],
  [0xed, 0xbf, 0xbf],
  [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80], // surrogates
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x98],
  [0xc3],
  [0x61, 0xe2], // cut
  [0xf4, 0x90, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xff],
  [0xfe],
  [0x80],
  [0xbf, 0x61], // beyond, alone
  [0xef, 0xbb, 0xbf],
  [0xef, 0xbb, 0xbf, ...new Array<number>(64).fill(0x61)], // U+FEFF, which decoders like to eat
  [0x00],
  [0x1b, 0x5b, 0x32, 0x4a],
  [0x7f],
  [0xc2, 0x85],
  [0xe2, 0x80, 0xae], // controls, terminal, direction
  [0xf0, 0x9f, 0x98, 0x80],
  [0xe2, 0x80, 0xa8],
  [0x20],
  [0x61, 0x20],
].map((bytes) => Uint8Array.from(bytes))

function many<T>(random: SeededRandom, make: () => T): T[] {
  return Array.from({ length: random.integer(0, 4) }, make)
}

function anyKey(random: SeededRandom): Tree {
  return random.float() < 0.7 ? text(random.pick(NAMES)) : anyTree(random, 3)
}

function lieByOne(node: Tree, random: SeededRandom): Tree | undefined {
  const by = random.pick([-1, 1])
  if (node.kind === 'array') return { ...node, claim: Math.max(0, node.items.length + by) }
  if (node.kind === 'map') return { ...node, claim: Math.max(0, node.entries.length + by) }
  if (node.kind === 'text' || node.kind === 'binary') return { ...node, claim: Math.max(0, node.bytes.length + by) }
  return undefined
}

/** Around the limits (8, 16, 64), and far beyond every stack. As bytes, so that no recursion of ours is in the way. */
function nest(node: Tree, random: SeededRandom): Tree {
  const depth = random.pick([1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 1_000, 30_000])
  const inMaps = random.float() < 0.3
  if (depth > 20) {
    const layer = inMaps ? [0x81, 0xa1, 0x61] : [0x91]
    return { kind: 'raw', bytes: new Uint8Array(Buffer.alloc(depth * layer.length, Uint8Array.from(layer))) }
  }
  let nested = node
  for (let layers = 0; layers < depth; layers++) {
    nested = inMaps ? { kind: 'map', entries: [[text('a'), nested]] } : { kind: 'array', items: [nested] }
  }
  return nested
}

function asFloat(node: Tree, random: SeededRandom): Tree {
  const value = node.kind === 'integer' && random.float() < 0.6 ? Number(node.value) : random.pick(FLOATS)
  return { kind: 'float', value, single: random.float() < 0.3 }
}

function changeText(node: Tree, random: SeededRandom): Tree {
  const bytes = node.kind === 'text' ? node.bytes : new Uint8Array()
  const at = random.integer(0, bytes.length)
  switch (random.integer(0, 5)) {
    case 0:
      return { kind: 'text', bytes: new Uint8Array() }
    case 1:
      return { kind: 'text', bytes: Buffer.concat([bytes.subarray(0, at), random.pick(TEXTS), bytes.subarray(at)]) }
    case 2:
      return { kind: 'text', bytes: random.pick(TEXTS) }
    case 3:
      return { kind: 'text', bytes: bytes.subarray(0, at) }
    case 4:
      return { kind: 'text', bytes: Buffer.alloc(random.pick([31, 32, 63, 64, 65, 255, 256, 300, 513, 70_000]), 0x61) }
    default:
      return text(random.pick(NAMES))
  }
}

function changeBinary(node: Tree, random: SeededRandom): Tree {
  const bytes = node.kind === 'binary' || node.kind === 'text' ? node.bytes : random.bytes(8)
  switch (random.integer(0, 4)) {
    case 0:
      return { kind: 'binary', bytes: bytes.subarray(0, Math.max(0, bytes.length - 1)) }
    case 1:
      return { kind: 'binary', bytes: Buffer.concat([bytes, random.bytes(1)]) }
    case 2:
      return { kind: 'binary', bytes: random.bytes(bytes.length) }
    case 3:
      return { kind: 'binary', bytes: Buffer.alloc(bytes.length, random.pick([0x00, 0xff])) }
    default: {
      const flipped = Uint8Array.from(bytes)
      if (flipped.length === 0) return { kind: 'binary', bytes: random.bytes(32) }
      const at = random.integer(0, flipped.length - 1)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.integer(0, 7))
      return { kind: 'binary', bytes: flipped }
    }
  }
}

function changeMembers(node: Tree, random: SeededRandom): Tree | undefined {
  if (node.kind === 'array') {
    const items = [...node.items]
    const at = random.integer(0, items.length)
    const kind = random.integer(0, 3)
    if (kind === 0) items.splice(at, 1)
    else if (kind === 1) items.splice(at, 0, anyTree(random))
    else if (kind === 2) items.splice(at, 0, ...items.slice(at, at + 1))
    else items.push(...items.splice(0, at))
    return { ...node, items }
  }
  if (node.kind === 'map') {
    const entries = [...node.entries]
    const at = random.integer(0, entries.length)
    const kind = random.integer(0, 4)
    if (kind === 0) entries.splice(at, 1)
    else if (kind === 1) entries.splice(at, 0, [anyKey(random), anyTree(random)])
    else if (kind === 2) entries.push(...entries.slice(at, at + 1))
    else if (kind === 3) entries.push([text('__proto__'), { kind: 'map', entries: [[text('polluted'), integer(1)]] }])
    else entries.push(...entries.splice(0, at))
    return { ...node, entries }
  }
  return undefined
}

/** Really as large as it says. As bytes that are made once: thousands of nodes would cost more than what is fuzzed. */
function huge(random: SeededRandom): Tree {
  HUGE ??= [100, 1_000, 4_095, 4_096, 4_097, 20_000].flatMap((count) => {
    const all = { kind: 'array', items: new Array<Tree>(count).fill({ kind: 'nil' }) } as const
    const empty = { kind: 'array', items: new Array<Tree>(count).fill({ kind: 'array', items: [] }) } as const
    const key = (index: number): Tree => text(index.toString(36))
    const members = { kind: 'map', entries: Array.from({ length: count }, (_, index) => [key(index), { kind: 'nil' }]) }
    return [all, empty, members as Tree].map((tree): Tree => ({ kind: 'raw', bytes: encodeTree(tree) }))
  })
  return random.pick(HUGE)
}
let HUGE: readonly Tree[] | undefined

/** Puts the value inside a byte string in the tree's place, if there is one; for payloads that are signed as bytes. */
export function unfold(tree: Tree): Tree {
  if (tree.kind !== 'binary') return tree
  const value = decodeTree(tree.bytes)
  return value === undefined ? tree : { kind: 'embedded', value }
}
