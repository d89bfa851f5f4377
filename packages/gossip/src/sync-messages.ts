/**
 * What two peers exchange over a reliable connection to find out who lacks what (anti-entropy, Demers et al. 1987 §1.3).
 *
 *     SYNC   16 | count u16 | entry …                             → TELL
 *     TELL   17 | flags u8 | count u16 | entry … | rumors         flags bit 0: there is more, ask again
 *     PUSH   18 | rumors                                          → DONE
 *     DONE   19
 *     entry  = origin 32 B | boot u48 | greatest sequence u48 | mask length u8 | mask (at most 128 B)
 *     rumors = (length u16 | hop part | rumor) …
 *
 * Bit n of the mask, from the lowest of its first byte on: the sequence that is n + 1 below the greatest is known too; below its end all are. So holes
 * are found as well as an end that is missing: after a partition the latest news come first, by digests, and leave a hole behind them.
 */
import { PEER_ID_BYTES } from '@pc/identity'
import { putU48, u48, viewOf } from '@pc/wire'
import { GossipError } from './errors.js'
import { type Hop, hopLength, putHop, readHop } from './messages.js'
import { MAX_MASK_BYTES } from './sequence-window.js'

const Type = { SYNC: 16, TELL: 17, PUSH: 18, DONE: 19 } as const

/** What somebody has of one run of one origin. */
export interface VectorEntry {
  /** 32 bytes, of a peer id as it is said; proved by the rumors only. */
  readonly origin: Uint8Array
  readonly boot: number
  readonly greatest: number
  /** What is missing below; see `SequenceWindow.mask`. */
  readonly mask: Uint8Array
}

export type Exchange =
  | { readonly type: 'sync'; readonly vector: readonly VectorEntry[] }
  | {
      readonly type: 'tell'
      readonly vector: readonly VectorEntry[]
      readonly rumors: readonly Hop[]
      readonly more: boolean
    }
  | { readonly type: 'push'; readonly rumors: readonly Hop[] }
  | { readonly type: 'done' }

/** With its envelope it fits a frame of 64 KiB, which a control connection carries. */
export const MAX_EXCHANGE_BYTES = 64_000
/** So that there is room for rumors beside a vector; it holds 1,000 origins of which nothing is missing. */
export const MAX_VECTOR_BYTES = 45_000
const MAX_RUMORS = 512
const ENTRY_BYTES: number = PEER_ID_BYTES + 6 + 6 + 1

export function packExchange(exchange: Exchange): Uint8Array {
  switch (exchange.type) {
    case 'sync':
      return Buffer.concat([new Uint8Array([Type.SYNC]), packVector(exchange.vector)])
    case 'tell': {
      const head = new Uint8Array([Type.TELL, exchange.more ? 1 : 0])
      return Buffer.concat([head, packVector(exchange.vector), ...exchange.rumors.map(packWithLength)])
    }
    case 'push':
      return Buffer.concat([new Uint8Array([Type.PUSH]), ...exchange.rumors.map(packWithLength)])
    case 'done':
      return new Uint8Array([Type.DONE])
    default:
      return exchange satisfies never
  }
}

/** @throws GossipError BAD_PACKET, BAD_RUMOR */
export function readExchange(bytes: Uint8Array): Exchange {
  if (bytes.length > MAX_EXCHANGE_BYTES) bad(`${bytes.length} bytes, the limit is ${MAX_EXCHANGE_BYTES}`)
  switch (bytes[0]) {
    case Type.SYNC: {
      const { vector, end } = readVector(bytes, 1)
      if (end !== bytes.length) bad('bytes are left over')
      return { type: 'sync', vector }
    }
    case Type.TELL: {
      const { vector, end } = readVector(bytes, 2)
      return { type: 'tell', vector, rumors: readRumors(bytes, end), more: ((bytes[1] as number) & 1) === 1 }
    }
    case Type.PUSH:
      return { type: 'push', rumors: readRumors(bytes, 1) }
    case Type.DONE:
      if (bytes.length !== 1) bad('bytes are left over')
      return { type: 'done' }
    default:
      return bad(`nothing is known of type ${bytes[0]}`)
  }
}

/** Of an entry, encoded. */
export function entryLength({ mask }: VectorEntry): number {
  return ENTRY_BYTES + mask.length
}

export function vectorLength(vector: readonly VectorEntry[]): number {
  return vector.reduce((length, entry) => length + entryLength(entry), 2)
}

function packVector(vector: readonly VectorEntry[]): Uint8Array {
  const bytes = new Uint8Array(vectorLength(vector))
  const view = viewOf(bytes)
  view.setUint16(0, vector.length)
  let at = 2
  for (const { origin, boot, greatest, mask } of vector) {
    const after = at + PEER_ID_BYTES
    bytes.set(origin, at)
    putU48(view, after, boot)
    putU48(view, after + 6, greatest)
    bytes[after + 12] = mask.length
    bytes.set(mask, after + 13)
    at = after + 13 + mask.length
  }
  return bytes
}

function packWithLength(hop: Hop): Uint8Array {
  const length = hopLength(hop)
  const bytes = new Uint8Array(2 + length)
  viewOf(bytes).setUint16(0, length)
  putHop(bytes, 2, hop)
  return bytes
}

function readVector(bytes: Uint8Array, from: number): { vector: VectorEntry[]; end: number } {
  if (bytes.length < from + 2) bad('it ends early')
  const view = viewOf(bytes)
  const count = view.getUint16(from)
  const vector: VectorEntry[] = []
  let at = from + 2
  for (let index = 0; index < count; index++) {
    const after = at + PEER_ID_BYTES
    const end = at + ENTRY_BYTES + (bytes[after + 12] ?? 0)
    // Before anything is kept of it: what does not fit throws here.
    if (end > bytes.length || end - at > ENTRY_BYTES + MAX_MASK_BYTES) bad(`${count} entries in ${bytes.length} bytes`)
    vector.push({
      origin: new Uint8Array(bytes.subarray(at, after)),
      boot: u48(view, after),
      greatest: u48(view, after + 6),
      mask: new Uint8Array(bytes.subarray(after + 13, end)),
    })
    at = end
  }
  return { vector, end: at }
}

function readRumors(bytes: Uint8Array, from: number): Hop[] {
  const view = viewOf(bytes)
  const rumors: Hop[] = []
  for (let at = from; at < bytes.length; ) {
    if (at + 2 > bytes.length || rumors.length >= MAX_RUMORS) bad('a length that ends early, or too many rumors')
    const end = at + 2 + view.getUint16(at)
    if (end > bytes.length) bad('a rumor that ends early')
    rumors.push(readHop(bytes.subarray(at + 2, end)))
    at = end
  }
  return rumors
}

function bad(why: string): never {
  throw new GossipError('BAD_PACKET', `bad exchange: ${why}`)
}
