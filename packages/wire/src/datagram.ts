import { InvalidPacketError, WireError } from './errors.js'
import { MAX_DATAGRAM, PROTOCOL_VERSION } from './limits.js'

/** Byte 0 of a datagram: who handles it. Append-only. 0x80 to 0xff belong to applications. */
export const RootCode = {
  KADEMLIA: 0x00,
  DISCOVERY: 0x01,
  GOSSIP: 0x02,
  SESSION: 0x03,
  MEMBERSHIP: 0x04,
} as const

/** The low nibble of byte 1: what protects the rest. Append-only; the high nibble is the protocol version. */
export const Protection = { NONE: 0, NETWORK_MAC: 1, SESSION: 2, HANDSHAKE: 3 } as const

/**
 * ```
 * NETWORK_MAC  root u8 | version, protection u8 | keyId u32 | sentAt u48 | bootId 8 B | body | mac 16 B
 * SESSION      root u8 | version, protection u8 | receiverIndex u32 | counter u64 | sealed | tag 16 B
 * others       root u8 | version, protection u8 | body
 * ```
 * All numbers are big-endian. `sentAt` counts milliseconds.
 */
export type Datagram = MacDatagram | SessionDatagram | PlainDatagram

export interface MacDatagram {
  protection: 1
  rootCode: number
  keyId: number
  sentAt: number
  bootId: Uint8Array
  body: Uint8Array
  mac: Uint8Array
  /** Everything before the MAC: what it is computed over. */
  authenticated: Uint8Array
}

export interface SessionDatagram {
  protection: 2
  rootCode: number
  receiverIndex: number
  counter: bigint
  sealed: Uint8Array
  tag: Uint8Array
  /** Everything before the sealed bytes: the associated data of the seal. */
  associated: Uint8Array
}

export interface PlainDatagram {
  protection: 0 | 3
  rootCode: number
  body: Uint8Array
}

const HEADER_LENGTH = 2
const BOOT_ID_LENGTH = 8
const MAC_LENGTH = 16
const TAG_LENGTH = 16
const MAC_BODY_OFFSET = HEADER_LENGTH + 4 + 6 + BOOT_ID_LENGTH
const SEALED_OFFSET = HEADER_LENGTH + 4 + 8

/**
 * Takes a datagram apart without looking into its body. All byte strings are views of `bytes`.
 * Checked in this order: total length, root code, version, protection, length of the layout.
 * @throws InvalidPacketError DATAGRAM_TOO_SHORT, DATAGRAM_TOO_LARGE, ROOT_CODE_UNKNOWN, VERSION_UNSUPPORTED,
 * PROTECTION_UNKNOWN
 */
export function readDatagram(bytes: Uint8Array): Datagram {
  requireLength(bytes, HEADER_LENGTH)
  if (bytes.length > MAX_DATAGRAM) {
    throw new InvalidPacketError('DATAGRAM_TOO_LARGE', `a datagram may have ${MAX_DATAGRAM} bytes, not ${bytes.length}`)
  }
  const rootCode = bytes[0] as number
  if (!isRootCode(rootCode)) {
    throw new InvalidPacketError('ROOT_CODE_UNKNOWN', `nothing is known under root code ${rootCode}`, { offset: 0 })
  }
  const version = (bytes[1] as number) >> 4
  if (version !== PROTOCOL_VERSION) {
    const message = `protocol version ${PROTOCOL_VERSION} was expected, and ${version} came`
    throw new InvalidPacketError('VERSION_UNSUPPORTED', message, { offset: 1 })
  }
  const protection = (bytes[1] as number) & 0x0f
  switch (protection) {
    case Protection.NETWORK_MAC:
      return readMacDatagram(bytes, rootCode)
    case Protection.SESSION:
      return readSessionDatagram(bytes, rootCode)
    case Protection.NONE:
    case Protection.HANDSHAKE:
      return { protection, rootCode, body: view(bytes, HEADER_LENGTH, bytes.length) }
    default:
      throw new InvalidPacketError('PROTECTION_UNKNOWN', `nothing is known under protection ${protection}`, {
        offset: 1,
      })
  }
}

export interface MacDatagramFields {
  rootCode: number
  /** u32 */
  keyId: number
  /** Milliseconds, u48. */
  sentAt: number
  /** 8 bytes. */
  bootId: Uint8Array
  /** 1 to 1,164 bytes. */
  body: Uint8Array
}

/**
 * A NETWORK_MAC datagram in one buffer of the caller's own. `mac` is called once with everything before the MAC, a
 * view that it may not keep or change, and returns 16 bytes.
 * @throws WireError BAD_FIELD, TOO_LARGE
 */
export function packMacDatagram(fields: MacDatagramFields, mac: (authenticated: Uint8Array) => Uint8Array): Uint8Array {
  const { rootCode, keyId, sentAt, bootId, body } = fields
  checkField('rootCode', isRootCode(rootCode), '0 to 4 or 128 to 255')
  checkField('keyId', isUnsigned(keyId, 2 ** 32 - 1), 'an unsigned 32-bit integer')
  checkField('sentAt', isUnsigned(sentAt, 2 ** 48 - 1), 'an unsigned 48-bit integer')
  checkField('bootId', bootId.length === BOOT_ID_LENGTH, `${BOOT_ID_LENGTH} bytes`)
  checkField('body', body.length > 0, 'at least one byte')
  const macOffset = MAC_BODY_OFFSET + body.length
  if (macOffset + MAC_LENGTH > MAX_DATAGRAM) {
    const message = `the body may have ${MAX_DATAGRAM - MAC_BODY_OFFSET - MAC_LENGTH} bytes, not ${body.length}`
    throw new WireError('TOO_LARGE', `${message}; send it by connection`)
  }
  const bytes = new Uint8Array(macOffset + MAC_LENGTH)
  const data = new DataView(bytes.buffer)
  bytes[0] = rootCode
  bytes[1] = (PROTOCOL_VERSION << 4) | Protection.NETWORK_MAC
  data.setUint32(2, keyId)
  data.setUint16(6, Math.floor(sentAt / 2 ** 32))
  data.setUint32(8, sentAt >>> 0)
  bytes.set(bootId, 12)
  bytes.set(body, MAC_BODY_OFFSET)
  const tag = mac(bytes.subarray(0, macOffset))
  checkField('mac', tag.length === MAC_LENGTH, `${MAC_LENGTH} bytes`)
  bytes.set(tag, macOffset)
  return bytes
}

function readMacDatagram(bytes: Uint8Array, rootCode: number): MacDatagram {
  requireLength(bytes, MAC_BODY_OFFSET + 1 + MAC_LENGTH)
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const macOffset = bytes.length - MAC_LENGTH
  return {
    protection: Protection.NETWORK_MAC,
    rootCode,
    keyId: data.getUint32(2),
    sentAt: data.getUint16(6) * 2 ** 32 + data.getUint32(8),
    bootId: view(bytes, 12, MAC_BODY_OFFSET),
    body: view(bytes, MAC_BODY_OFFSET, macOffset),
    mac: view(bytes, macOffset, bytes.length),
    authenticated: view(bytes, 0, macOffset),
  }
}

function readSessionDatagram(bytes: Uint8Array, rootCode: number): SessionDatagram {
  requireLength(bytes, SEALED_OFFSET + TAG_LENGTH)
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tagOffset = bytes.length - TAG_LENGTH
  return {
    protection: Protection.SESSION,
    rootCode,
    receiverIndex: data.getUint32(2),
    counter: data.getBigUint64(6),
    sealed: view(bytes, SEALED_OFFSET, tagOffset),
    tag: view(bytes, tagOffset, bytes.length),
    associated: view(bytes, 0, SEALED_OFFSET),
  }
}

function isRootCode(code: number): boolean {
  return Number.isInteger(code) && ((code >= 0 && code <= RootCode.MEMBERSHIP) || (code >= 0x80 && code <= 0xff))
}

function isUnsigned(value: number, max: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value <= max
}

function requireLength(bytes: Uint8Array, least: number): void {
  if (bytes.length >= least) return
  throw new InvalidPacketError('DATAGRAM_TOO_SHORT', `at least ${least} bytes were expected, not ${bytes.length}`)
}

function checkField(name: string, valid: boolean, expected: string): void {
  if (!valid) throw new WireError('BAD_FIELD', `${name} must be ${expected}`)
}

// A plain Uint8Array, whether the bytes came as Buffer or not.
function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
}
