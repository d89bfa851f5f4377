/** Numbers of fixed width, big-endian as all on the wire are, and bytes as keys of maps. */

export const MAX_U48: number = 2 ** 48 - 1

/** Bytes as a key of a map or a set: each byte one character, U+0000 to U+00FF, which engines keep in one byte. */
export function keyOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The bytes of such a key, the caller's own. */
export function bytesOfKey(key: string): Uint8Array {
  return Uint8Array.from(Buffer.from(key, 'latin1'))
}

/** A view of the same memory. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** @param value an integer from 0 to `MAX_U48` */
export function putU48(view: DataView, offset: number, value: number): void {
  view.setUint16(offset, Math.floor(value / 2 ** 32))
  view.setUint32(offset + 2, value >>> 0)
}

export function u48(view: DataView, offset: number): number {
  return view.getUint16(offset) * 2 ** 32 + view.getUint32(offset + 2)
}
