/**
 * Finds what tells who a peer is in bytes that an outsider could see: its id, what follows from the id, and its names, in every
 * form in which programs write bytes down. Pure.
 */
import { createHash } from 'node:crypto'
import { NetlabError } from './errors.js'

/** What nobody outside may learn of a peer. */
export interface Secrets {
  /** 32 bytes: an Ed25519 public key. */
  readonly id: Uint8Array
  /** Id, short id and name as people read them. Chosen so long that none is met by chance. */
  readonly texts: Readonly<Record<string, string>>
}

export interface Needle {
  /** What it is and how it is written, such as `id of east, base64`. */
  readonly label: string
  readonly bytes: Uint8Array
  /** So many of its bytes in a row count as found: a part of a key tells as much as the whole. */
  readonly run: number
}

/** Somewhere to look. */
export interface Place {
  readonly where: string
  readonly bytes: Uint8Array
}

export interface Finding {
  readonly label: string
  readonly where: string
  readonly offset: number
  readonly length: number
}

export interface Search {
  /** Bytes of the places that belong to a needle; each counts once. */
  readonly bytes: number
  readonly findings: readonly Finding[]
}

/** Of a key: 64 bits are met by chance once in 2^64 bytes. */
const KEY_RUN = 8
/** Shorter texts are met by chance. */
const MIN_TEXT = 6
const P = 2n ** 255n - 19n

/** @throws NetlabError BAD_ARGUMENT for a text that would be found by chance */
export function needlesOf(whose: string, { id, texts }: Secrets): Needle[] {
  const keys = { id, 'SHA-256 of the id': createHash('sha256').update(id).digest(), 'X25519 key': montgomeryOf(id) }
  const needles = Object.entries(keys).flatMap(([what, bytes]) => formsOf(`${what} of ${whose}`, bytes))
  for (const [what, text] of Object.entries(texts)) {
    const bytes = Buffer.from(text)
    if (bytes.length < MIN_TEXT) {
      throw new NetlabError('BAD_ARGUMENT', `the ${what} ${JSON.stringify(text)} would be found by chance`)
    }
    needles.push({ label: `${what} of ${whose}`, bytes, run: bytes.length })
  }
  return needles
}

/** Each needle at each place, wherever a run of it begins. */
export function search(needles: readonly Needle[], places: readonly Place[]): Search {
  const indexes = indexesOf(needles)
  let bytes = 0
  const findings: Finding[] = []
  for (const place of places) {
    const found = indexes.flatMap((index) => findingsOf(index, place)).sort((a, b) => a.offset - b.offset)
    let covered = 0
    for (const { offset, length } of found) {
      bytes += Math.max(0, offset + length - Math.max(offset, covered))
      covered = Math.max(covered, offset + length)
    }
    findings.push(...found)
  }
  return { bytes, findings }
}

/** The u-coordinate of the same point (RFC 7748 §4.1), as X25519 takes it: u = (1 + y) / (1 - y). */
export function montgomeryOf(id: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(id).reverse()
  bytes[0] = (bytes[0] ?? 0) & 0x7f
  const y = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const u = ((1n + y) * power((1n - y + P) % P, P - 2n)) % P
  return Uint8Array.from(Buffer.from(u.toString(16).padStart(64, '0'), 'hex')).reverse()
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}

function formsOf(label: string, bytes: Uint8Array): Needle[] {
  const hex = Buffer.from(bytes).toString('hex')
  const forms: Needle[] = [
    { label: `${label}, raw`, bytes, run: KEY_RUN },
    { label: `${label}, hex`, bytes: Buffer.from(hex), run: 2 * KEY_RUN },
    { label: `${label}, HEX`, bytes: Buffer.from(hex.toUpperCase()), run: 2 * KEY_RUN },
  ]
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const before of [0, 1, 2]) {
      const core = Buffer.from(base64Core(bytes, before, encoding))
      forms.push({ label: `${label}, ${encoding} + ${before}`, bytes: core, run: Math.floor((KEY_RUN * 8) / 6) })
    }
  }
  return forms
}

/** The characters that depend on these bytes alone when `before` other bytes are encoded with them. */
function base64Core(bytes: Uint8Array, before: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(encoding)
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
}

interface Index {
  readonly run: number
  /** By the run, as latin1. */
  readonly labels: ReadonlyMap<string, string>
  /** By the first two bytes: whether any run begins so. Spares making a text of every place. */
  readonly begins: Uint8Array
}

function indexesOf(needles: readonly Needle[]): Index[] {
  return [...new Set(needles.map(({ run }) => run))].map((run) => {
    const labels = new Map<string, string>()
    const begins = new Uint8Array(0x10000)
    for (const { label, bytes } of needles.filter((needle) => needle.run === run)) {
      const text = Buffer.from(bytes).toString('latin1')
      for (let at = 0; at + run <= text.length; at++) {
        const piece = text.slice(at, at + run)
        if (!labels.has(piece)) labels.set(piece, label)
        begins[(text.charCodeAt(at) << 8) | text.charCodeAt(at + 1)] = 1
      }
    }
    return { run, labels, begins }
  })
}

/** Runs of one needle that overlap or touch are one finding. */
function findingsOf({ run, labels, begins }: Index, { where, bytes }: Place): Finding[] {
  const findings: Finding[] = []
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let last: { label: string; where: string; offset: number; length: number } | undefined
  for (let offset = 0; offset + run <= view.length; offset++) {
    if (begins[((view[offset] ?? 0) << 8) | (view[offset + 1] ?? 0)] === 0) continue
    const label = labels.get(view.toString('latin1', offset, offset + run))
    if (label === undefined) continue
    if (last?.label === label && offset <= last.offset + last.length) {
      last.length = offset + run - last.offset
    } else {
      last = { label, where, offset, length: run }
      findings.push(last)
    }
  }
  return findings
}
