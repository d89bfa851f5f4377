/** Contacts that stand where a test wants them, whatever their ids say. */
import { type Contact, keyOf } from '../../src/contact.js'

/** At a position that begins with these bits, the rest zeros. Two of one position are one peer. */
export function contactAt(bits: string, host = `10.0.${bits.length}.${Number.parseInt(`0${bits}`, 2) & 255}`): Contact {
  const position = Buffer.alloc(32)
  for (const [index, bit] of [...bits].entries()) {
    if (bit === '1') position[index >> 3] = (position[index >> 3] ?? 0) | (0x80 >> (index & 7))
  }
  return contactOn(position, host)
}

export function contactOn(position: Uint8Array, host: string, port = 3_485): Contact {
  const id = Buffer.from(position)
  return { id, address: { host, port }, position: id, key: keyOf(id) }
}
