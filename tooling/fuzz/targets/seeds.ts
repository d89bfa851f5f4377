/** What the seeds of several targets are made of. */
import { readFileSync } from 'node:fs'
import {
  createIdentity,
  type Identity,
  type Network,
  openNetwork,
  type SignedPeerRecord,
  signPeerRecord,
} from '@pc/identity'
import { encodeFrame, encodeValue, MAX_BULK_FRAME, type Value } from '@pc/wire'

export const NETWORK = openNetwork('fuzz')

let opened: Network | undefined
/** Opened once it is needed, because that is slow on purpose. */
export function secretNetwork(): Network {
  opened ??= openNetwork('fuzz', { secret: 'known to members' })
  return opened
}

/** Identities are the same in every run. */
export function identity(number: number): Identity {
  return createIdentity(new Uint8Array(32).fill(number))
}

export function record(of: Identity, sequence = 1): SignedPeerRecord {
  const addresses = [
    { host: '10.0.0.7', port: 3485 },
    { host: 'fd00::7', port: 3485 },
  ]
  return signPeerRecord(of, { sequence, name: 'anna', addresses, capabilities: ['print', 'chat'] })
}

export function frame(header: string, id: number, body: Value): Uint8Array {
  return encodeFrame({ header, id, version: 1, body, peerId: null }, { maxLength: MAX_BULK_FRAME })
}

export function join(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

/** Values of every kind and form. */
export const VALUES: readonly Value[] = [
  null,
  true,
  [0, 1, -1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, -33, -129, -(2 ** 40)],
  [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY],
  ['', 'text', 'ä€😀', 'x'.repeat(40), 'y'.repeat(300), `\ufeff${'z'.repeat(70)}`],
  [new Uint8Array(0), new Uint8Array(32).fill(7), new Uint8Array(300)],
  { a: { b: { c: [1, [2, [3]]] } }, constructor: 1, toString: 'x', '': null },
  Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`key ${index}`, index])),
]

export function encodedValues(): Uint8Array[] {
  return VALUES.map((value) => encodeValue(value))
}

/** The lines of a vector file that are no comments. */
export function linesOf(path: string): string[] {
  const text = readFileSync(new URL(`../../../packages/${path}`, import.meta.url), 'utf8')
  return text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
}

/** Groups of hex digits, each perhaps repeated, as in `dc0010 01*16`; of at most 64 KiB. */
export function bytesOf(groups: string): Uint8Array {
  const parts = groups
    .split(' ')
    .filter((group) => group !== '')
    .map((group) => {
      const [digits = '', times = '1'] = group.split('*')
      return Buffer.from(digits.repeat(Number(times)), 'hex')
    })
  return new Uint8Array(Buffer.concat(parts)).subarray(0, 65_536)
}

/** That column of every line. */
export function columnOf(path: string, column: number): Uint8Array[] {
  return linesOf(path).map((line) => bytesOf((line.split('|')[column] ?? '').trim()))
}
