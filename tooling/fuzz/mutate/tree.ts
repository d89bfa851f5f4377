/**
 * msgpack as a tree that can also say what no honest encoder writes: lying counts, lengths in longer forms than needed,
 * extension types, reserved bytes, keys of any type. A mutator changes the tree, `encodeTree` writes it as it is told.
 */

interface Shaped {
  /** Which of the allowed forms to write, counted from the shortest; beyond the last one the last. @default the shortest */
  form?: number
  /** The count or length to claim, whatever really follows. */
  claim?: number
}

export type Tree = Shaped &
  (
    | { kind: 'nil' }
    | { kind: 'boolean'; value: boolean }
    | { kind: 'integer'; value: bigint }
    | { kind: 'float'; value: number; single?: boolean }
    | { kind: 'text'; bytes: Uint8Array }
    | { kind: 'binary'; bytes: Uint8Array }
    | { kind: 'extension'; type: number; bytes: Uint8Array }
    | { kind: 'array'; items: Tree[] }
    | { kind: 'map'; entries: [key: Tree, value: Tree][] }
    /** Written as they are. */
    | { kind: 'raw'; bytes: Uint8Array }
    /** A byte string with a value in it, as a signed payload. */
    | { kind: 'embedded'; value: Tree }
  )

export function text(value: string): Tree {
  return { kind: 'text', bytes: Buffer.from(value, 'utf8') }
}

export function integer(value: number | bigint): Tree {
  return { kind: 'integer', value: BigInt(value) }
}

/** The value that `bytes` begin with; `undefined` when they hold none that ends with them, or one nested absurdly deep. */
export function decodeTree(bytes: Uint8Array): Tree | undefined {
  const reader = new Reader(bytes)
  try {
    const tree = reader.value(0)
    return reader.done ? tree : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

export function encodeTree(tree: Tree): Uint8Array {
  const parts: Uint8Array[] = []
  write(tree, parts)
  return new Uint8Array(Buffer.concat(parts))
}

/** Every node, each with a way to put another in its place; keys of maps too. */
export function nodesOf(tree: Tree, replace: (by: Tree) => void): { node: Tree; replace: (by: Tree) => void }[] {
  const found = [{ node: tree, replace }]
  if (tree.kind === 'array') {
    for (const [index, item] of tree.items.entries()) {
      found.push(
        ...nodesOf(item, (by) => {
          tree.items[index] = by
        }),
      )
    }
  } else if (tree.kind === 'map') {
    for (const entry of tree.entries) {
      found.push({
        node: entry[0],
        replace: (by) => {
          entry[0] = by
        },
      })
      found.push(
        ...nodesOf(entry[1], (by) => {
          entry[1] = by
        }),
      )
    }
  } else if (tree.kind === 'embedded') {
    found.push(
      ...nodesOf(tree.value, (by) => {
        tree.value = by
      }),
    )
  }
  return found
}

const MAX_DEPTH = 100

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  value(depth: number): Tree {
    if (depth > MAX_DEPTH) throw new RangeError('too deep')
    const tag = this.#number(1)
    if (tag < 0x80) return integer(tag)
    if (tag >= 0xe0) return integer(tag - 256)
    if (tag < 0x90) return this.#map(tag & 0x0f, depth)
    if (tag < 0xa0) return this.#array(tag & 0x0f, depth)
    if (tag < 0xc0) return { kind: 'text', bytes: this.#take(tag & 0x1f) }
    if (tag === 0xc0) return { kind: 'nil' }
    if (tag === 0xc1) return { kind: 'raw', bytes: Uint8Array.of(tag) }
    if (tag <= 0xc3) return { kind: 'boolean', value: tag === 0xc3 }
    if (tag <= 0xc6) return { kind: 'binary', bytes: this.#take(this.#number(1 << (tag - 0xc4))) }
    if (tag <= 0xc9) return this.#extension(this.#number(1 << (tag - 0xc7)))
    if (tag === 0xca) return { kind: 'float', value: Buffer.from(this.#take(4)).readFloatBE(), single: true }
    if (tag === 0xcb) return { kind: 'float', value: Buffer.from(this.#take(8)).readDoubleBE() }
    if (tag <= 0xcf) return integer(this.#integer(1 << (tag - 0xcc), false))
    if (tag <= 0xd3) return integer(this.#integer(1 << (tag - 0xd0), true))
    if (tag <= 0xd8) return this.#extension(1 << (tag - 0xd4))
    if (tag <= 0xdb) return { kind: 'text', bytes: this.#take(this.#number(1 << (tag - 0xd9))) }
    if (tag <= 0xdd) return this.#array(this.#number(2 << (tag - 0xdc)), depth)
    return this.#map(this.#number(2 << (tag - 0xde)), depth)
  }

  #array(count: number, depth: number): Tree {
    const items: Tree[] = []
    for (let index = 0; index < count; index++) items.push(this.value(depth + 1))
    return { kind: 'array', items }
  }

  #map(count: number, depth: number): Tree {
    const entries: [Tree, Tree][] = []
    for (let index = 0; index < count; index++) entries.push([this.value(depth + 1), this.value(depth + 1)])
    return { kind: 'map', entries }
  }

  #extension(length: number): Tree {
    return { kind: 'extension', type: this.#number(1), bytes: this.#take(length) }
  }

  #number(width: number): number {
    return Buffer.from(this.#take(width)).readUIntBE(0, width)
  }

  #integer(width: number, signed: boolean): bigint {
    let value = 0n
    for (const byte of this.#take(width)) value = value * 256n + BigInt(byte)
    return signed ? BigInt.asIntN(width * 8, value) : value
  }

  #take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new RangeError('truncated')
    this.#at += length
    return Uint8Array.from(this.#bytes.subarray(this.#at - length, this.#at))
  }
}

interface Form {
  readonly tag: number
  /** Bytes of the number behind the tag; 0 when the tag holds it. */
  readonly width: number
  readonly most: number
}

const TEXT: readonly Form[] = [
  { tag: 0xa0, width: 0, most: 31 },
  { tag: 0xd9, width: 1, most: 0xff },
  { tag: 0xda, width: 2, most: 0xffff },
  { tag: 0xdb, width: 4, most: 0xffff_ffff },
]
const BINARY: readonly Form[] = [
  { tag: 0xc4, width: 1, most: 0xff },
  { tag: 0xc5, width: 2, most: 0xffff },
  { tag: 0xc6, width: 4, most: 0xffff_ffff },
]
const EXTENSION: readonly Form[] = [
  { tag: 0xc7, width: 1, most: 0xff },
  { tag: 0xc8, width: 2, most: 0xffff },
  { tag: 0xc9, width: 4, most: 0xffff_ffff },
]
const ARRAY: readonly Form[] = [
  { tag: 0x90, width: 0, most: 15 },
  { tag: 0xdc, width: 2, most: 0xffff },
  { tag: 0xdd, width: 4, most: 0xffff_ffff },
]
const MAP: readonly Form[] = [
  { tag: 0x80, width: 0, most: 15 },
  { tag: 0xde, width: 2, most: 0xffff },
  { tag: 0xdf, width: 4, most: 0xffff_ffff },
]
const FIXED_EXTENSION = new Map([1, 2, 4, 8, 16].map((length, index) => [length, 0xd4 + index]))

function write(tree: Tree, parts: Uint8Array[]): void {
  switch (tree.kind) {
    case 'nil':
      parts.push(Uint8Array.of(0xc0))
      break
    case 'boolean':
      parts.push(Uint8Array.of(tree.value ? 0xc3 : 0xc2))
      break
    case 'integer':
      parts.push(integerBytes(tree.value, tree.form ?? 0))
      break
    case 'float':
      parts.push(floatBytes(tree.value, tree.single ?? false))
      break
    case 'text':
      parts.push(head(TEXT, tree.bytes.length, tree), tree.bytes)
      break
    case 'binary':
      parts.push(head(BINARY, tree.bytes.length, tree), tree.bytes)
      break
    case 'embedded': {
      const bytes = encodeTree(tree.value)
      parts.push(head(BINARY, bytes.length, tree), bytes)
      break
    }
    case 'extension': {
      const fixed =
        tree.form === undefined && tree.claim === undefined ? FIXED_EXTENSION.get(tree.bytes.length) : undefined
      parts.push(fixed === undefined ? head(EXTENSION, tree.bytes.length, tree) : Uint8Array.of(fixed))
      parts.push(Uint8Array.of(tree.type), tree.bytes)
      break
    }
    case 'array':
      parts.push(head(ARRAY, tree.items.length, tree))
      for (const item of tree.items) write(item, parts)
      break
    case 'map':
      parts.push(head(MAP, tree.entries.length, tree))
      for (const [key, value] of tree.entries) {
        write(key, parts)
        write(value, parts)
      }
      break
    case 'raw':
      parts.push(tree.bytes)
      break
    default:
      tree satisfies never
  }
}

function head(forms: readonly Form[], real: number, { form = 0, claim = real }: Shaped): Uint8Array {
  const least = Math.max(
    forms.findIndex(({ most }) => claim <= most),
    0,
  )
  const { tag, width } = forms[Math.min(least + form, forms.length - 1)] ?? { tag: 0xc1, width: 0 }
  if (width === 0) return Uint8Array.of(tag | claim)
  const bytes = Buffer.alloc(1 + width)
  bytes[0] = tag
  bytes.writeUIntBE(claim, 1, width)
  return bytes
}

/** Beyond 64 bits the number is cut: there is no form for it. */
function integerBytes(value: bigint, form: number): Uint8Array {
  if (form === 0 && value >= -32n && value < 128n) return Uint8Array.of(Number(BigInt.asUintN(8, value)))
  const least = value >= 0n ? [8, 16, 32].filter((bits) => value >> BigInt(bits) > 0n).length : signedWidth(value)
  const width = 1 << Math.min(3, least + Math.max(0, form - 1))
  const bytes = Buffer.alloc(1 + width)
  bytes[0] = (value >= 0n ? 0xcc : 0xd0) + Math.log2(width)
  bytes.set(
    Buffer.from(
      BigInt.asUintN(width * 8, value)
        .toString(16)
        .padStart(width * 2, '0'),
      'hex',
    ),
    1,
  )
  return bytes
}

function signedWidth(value: bigint): number {
  return [8, 16, 32].filter((bits) => BigInt.asIntN(bits, value) !== value).length
}

function floatBytes(value: number, single: boolean): Uint8Array {
  const bytes = Buffer.alloc(single ? 5 : 9)
  bytes[0] = single ? 0xca : 0xcb
  if (single) bytes.writeFloatBE(value, 1)
  else bytes.writeDoubleBE(value, 1)
  return bytes
}
