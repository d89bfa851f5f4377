/** Texts that stand for bytes and addresses as keys of maps. */
import type { Address } from '@pc/transport'

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function hexOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += HEX[byte]
  return text
}

/** An asker. With its port, because several peers may share an address. */
export function answerKey(address: Address): string {
  return `${address.host} ${address.port}`
}

/** @param text an even number of hexadecimal digits */
export function bytesOfHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, index) =>
    Number.parseInt(text.slice(index * 2, index * 2 + 2), 16),
  )
}
