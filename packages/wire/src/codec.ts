// msgpackr keeps extensions, buffers and its native add-on per process, not per Packr. This build of it never loads the
// add-on, and has a state of its own, which `import 'msgpackr'` elsewhere in the process does not share.
import { addExtension, Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE } from 'msgpackr/index-no-eval'
import type { ValueLimits } from './limits.js'
import { tooLarge, WHOLE } from './value-check.js'
import { doubleMarks, scanValue } from './value-scan.js'

// A buffer that grew beyond this for one large value is not kept, neither for packing nor by having been unpacked.
const KEPT_LENGTH = 65_536
const FRESH_LENGTH = 8_192
const NIL = Uint8Array.of(0xc0)
// Small values without byte strings are unpacked from here: copying them costs less than the two views msgpackr needs of others.
const scratch = new Uint8Array(512)

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  useToJSON: false,
  int64AsType: 'number',
})

/** Nine bytes as they go on the wire, for numbers that msgpackr packs in another form than this protocol. */
export class Word {
  readonly tag: number
  readonly bits: bigint

  constructor(tag: number, bits: bigint) {
    this.tag = tag
    this.bits = bits
  }
}

addExtension({
  Class: Word,
  type: 1,
  pack({ tag, bits }, allocate) {
    const { target, targetView, position } = allocate(9)
    target[position] = tag
    targetView.setBigUint64(position + 1, bits)
  },
})

interface PackOptions {
  /** In bytes, without the reserve. */
  maxLength: number
  /** Bytes before the value, at most 255, which the caller fills. */
  reserve?: number
}

/**
 * @param value as `ValueCopy` gives it
 * @returns bytes of the caller's own, which fill their buffer
 * @throws WireError TOO_LARGE
 */
export function pack(value: unknown, { maxLength, reserve = 0 }: PackOptions): Uint8Array {
  const packed = packr.pack(value, RESET_BUFFER_MODE + RESERVE_START_SPACE + reserve)
  if (packed.buffer.byteLength > KEPT_LENGTH) packr.useBuffer(Buffer.allocUnsafeSlow(FRESH_LENGTH))
  if (packed.length - reserve > maxLength) throw tooLarge(maxLength, WHOLE)
  return new Uint8Array(packed)
}

/**
 * The one value that fills `bytes`; byte strings in it are views of `bytes`, or of a copy if it has texts that `doubleMarks` is for.
 * @throws InvalidPacketError
 */
export function unpack(bytes: Uint8Array, limits: ValueLimits): unknown {
  const { marked, hasBytes } = scanValue(bytes, limits)
  if (!hasBytes && marked.length === 0 && bytes.length <= scratch.length) {
    scratch.set(bytes)
    return packr.unpack(scratch, bytes.length)
  }
  // A view of its own: msgpackr leaves a property on what it unpacks.
  const source = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const value: unknown = packr.unpack(marked.length === 0 ? source : doubleMarks(source, marked))
  // msgpackr holds the buffer it unpacked last.
  if (bytes.buffer.byteLength > KEPT_LENGTH) packr.unpack(NIL)
  return value
}
