/** Two peers, their exchange, and datagrams sealed without the code under test. */
import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import {
  createIdentity,
  createKeyExchange,
  type DatagramSession,
  type Identity,
  type KeyExchange,
  type Network,
  openNetwork,
  PeerId,
} from '../../src/index.js'

export const OFFICE: Network = openNetwork('office')
export const [ANNA, BEN, CARL]: [Identity, Identity, Identity] = [identity(1), identity(2), identity(3)]
export const NOTHING: Uint8Array = new Uint8Array(0)
/** Indexes under which Anna and Ben look for a session. */
export const [ANNAS_INDEX, BENS_INDEX]: [number, number] = [0x0a000001, 0xb0000002]

export function identity(byte: number): Identity {
  return createIdentity(new Uint8Array(32).fill(byte))
}

/** Gives these secrets, each once. */
export function scripted(...secrets: Uint8Array[]): (length: number) => Uint8Array {
  return (length) => {
    const secret = secrets.shift()
    if (secret?.length !== length) throw new Error(`asked for ${length} bytes more than expected`)
    return secret
  }
}

/** Another 32 bytes every time, the same in every run. */
export function counted(first = 1): () => Uint8Array {
  let next = first
  return () => {
    const bytes = Buffer.alloc(32)
    bytes.writeUInt32BE(next++)
    return bytes
  }
}

export function exchangeOf(of: Identity, network: Network = OFFICE, first = of.id.bytes[0]): KeyExchange {
  return createKeyExchange({ identity: of, network, random: counted(first) })
}

export interface Pair {
  readonly anna: DatagramSession
  readonly ben: DatagramSession
}

/** The sessions of both sides; `first` makes others, with other indexes. */
export function pairOf(first = 1, network: Network = OFFICE): Pair {
  const pending = present(exchangeOf(ANNA, network, first).initiate(BEN.id, NOTHING, ANNAS_INDEX + first))
  const received = present(exchangeOf(BEN, network, first + 0x8000).respond(pending.message, ANNAS_INDEX + first))
  const { message, session } = present(received.accept(BENS_INDEX + first))
  return { anna: present(pending.finish(message)), ben: session }
}

export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('refused')
  return value
}

export function keyOf(byte: number): KeyObject {
  return createSecretKey(new Uint8Array(32).fill(byte))
}

/** A session datagram with any counter of 64 bits, as §15 of the protocol says. */
export function sealedDatagram(
  key: KeyObject | Uint8Array,
  { rootCode = 4, index = 0, counter = 0n }: { rootCode?: number; index?: number; counter?: bigint },
  plaintext: Uint8Array,
): Uint8Array {
  const header = Buffer.from([rootCode, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(index, 2)
  header.writeBigUInt64BE(counter, 6)
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.concat([Buffer.alloc(4), header.subarray(6)])).setAAD(header)
  return Buffer.concat([header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** Points of small order on the curve and its twist, in every encoding that X25519 reads as one of them. */
export const SMALL_ORDER_KEYS: readonly Uint8Array[] = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
].flatMap((hex) => {
  const key = Buffer.from(hex, 'hex')
  return [key, withHighBit(key)]
})

/** A second spelling of the same key: X25519 does not look at the highest bit. */
export function withHighBit(key: Uint8Array): Uint8Array {
  return flipped(key, 255)
}

/** The same y, the other x: both belong to one X25519 key. */
export function otherSign(id: PeerId): PeerId {
  return PeerId.fromBytes(flipped(id.bytes, 255))
}
