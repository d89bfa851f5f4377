/** Fixed-width numbers and keys of maps. All numbers on the wire are big-endian. */

export const MAX_U48: number = 2 ** 48 - 1

/** Bytes as a key of a map: each byte one character, which engines keep in one byte. */
export function keyOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

export function putU48(bytes: Uint8Array, offset: number, value: number): void {
  viewOf(bytes).setUint16(offset, Math.floor(value / 2 ** 32))
  viewOf(bytes).setUint32(offset + 2, value >>> 0)
}

export function u48(bytes: Uint8Array, offset: number): number {
  return viewOf(bytes).getUint16(offset) * 2 ** 32 + viewOf(bytes).getUint32(offset + 2)
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
