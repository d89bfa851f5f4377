/**
 * The traffic of one datagram session: every datagram sealed under the key of its direction, with the counter as nonce and what
 * stands in clear before it as associated data. Bytes: see `SESSION` in @pc/wire's datagram.ts.
 */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import { MAX_DATAGRAM, PROTOCOL_VERSION, Protection } from '@pc/wire'
import { IdentityError } from './errors.js'
import { authentic } from './noise.js'
import type { PeerId } from './peer-id.js'
import { MAX_COUNTER, ReplayWindow } from './replay-window.js'

/** What both sides have when a handshake is done. One side's `receive` is the other's `send`. */
export interface SessionKeys {
  readonly send: KeyObject
  readonly receive: KeyObject
}

/** Why a datagram was not opened: a counter that came before or is too old; or not sealed by the other side. */
export type OpenFailure = 'replay' | 'seal'

/** The traffic of one session. Holds keys and nothing that needs closing. */
export interface DatagramSession {
  /** Proved by the handshake. */
  readonly remoteId: PeerId
  /** By which the other side finds the session, u32: in every datagram to it. */
  readonly remoteIndex: number
  /** Datagrams sealed so far. */
  readonly sealed: number
  /**
   * A whole datagram in a buffer of the caller's own. `plaintext` may have {@link MAX_SEALED_PLAINTEXT} bytes.
   * @throws IdentityError SESSION_EXHAUSTED after 2^32 datagrams, BAD_ARGUMENT for a plaintext that is too long or a root code
   * that is no byte
   */
  seal(rootCode: number, plaintext: Uint8Array): Uint8Array
  /**
   * What is sealed in a whole datagram that names this session, in a buffer of the caller's own. Its counter is remembered only
   * if it is genuine.
   */
  open(datagram: Uint8Array): Uint8Array | OpenFailure
}

const HEADER_BYTES = 14
const TAG_BYTES = 16
const INDEX_OFFSET = 2
const COUNTER_OFFSET = 6

/** Bytes that a session adds to what it seals. */
export const SESSION_OVERHEAD: number = HEADER_BYTES + TAG_BYTES
/** Greatest plaintext of one datagram. */
export const MAX_SEALED_PLAINTEXT: number = MAX_DATAGRAM - SESSION_OVERHEAD

export class SealedSession implements DatagramSession {
  readonly remoteId: PeerId
  readonly remoteIndex: number
  readonly #send: KeyObject
  readonly #receive: KeyObject
  readonly #limit: number
  readonly #window = new ReplayWindow()
  #sealed = 0

  /**
   * Keys belong to one session for ever: two that count from 0 under the same key give everything away.
   * @param limit datagrams that may be sealed; at most, and unless told otherwise, 2^32
   * @throws IdentityError BAD_ARGUMENT for an index that is no u32
   */
  constructor(remoteId: PeerId, remoteIndex: number, keys: SessionKeys, limit: number = MAX_COUNTER + 1) {
    requireIndex(remoteIndex)
    this.remoteId = remoteId
    this.remoteIndex = remoteIndex
    this.#send = keys.send
    this.#receive = keys.receive
    this.#limit = Math.min(limit, MAX_COUNTER + 1)
  }

  get sealed(): number {
    return this.#sealed
  }

  seal(rootCode: number, plaintext: Uint8Array): Uint8Array {
    const counter = this.#sealed
    if (counter >= this.#limit) {
      throw new IdentityError('SESSION_EXHAUSTED', `the session has sealed ${counter} datagrams: make a new one`)
    }
    if (!Number.isInteger(rootCode) || rootCode < 0 || rootCode > 0xff) {
      throw new IdentityError('BAD_ARGUMENT', `a root code is a byte, got ${rootCode}`)
    }
    const { length } = plaintext
    if (length > MAX_SEALED_PLAINTEXT) {
      const message = `expected at most ${MAX_SEALED_PLAINTEXT} bytes for one datagram, got ${length}`
      throw new IdentityError('BAD_ARGUMENT', `${message}: send it by connection`)
    }
    this.#sealed = counter + 1
    const datagram = Buffer.allocUnsafe(HEADER_BYTES + length + TAG_BYTES)
    datagram[0] = rootCode
    datagram[1] = (PROTOCOL_VERSION << 4) | Protection.SESSION
    datagram.writeUInt32BE(this.remoteIndex, INDEX_OFFSET)
    datagram.writeUInt32BE(0, COUNTER_OFFSET)
    datagram.writeUInt32BE(counter, COUNTER_OFFSET + 4)
    const cipher = createCipheriv('aes-256-gcm', this.#send, nonceOf(counter))
    cipher.setAAD(datagram.subarray(0, HEADER_BYTES))
    datagram.set(cipher.update(plaintext), HEADER_BYTES)
    cipher.final()
    datagram.set(cipher.getAuthTag(), HEADER_BYTES + length)
    return datagram
  }

  open(datagram: Uint8Array): Uint8Array | OpenFailure {
    const { length } = datagram
    if (length < SESSION_OVERHEAD) return 'seal'
    const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, length)
    const counter = bytes.readUInt32BE(COUNTER_OFFSET + 4)
    if (bytes.readUInt32BE(COUNTER_OFFSET) !== 0 || !this.#window.fresh(counter)) return 'replay'
    const decipher = createDecipheriv('aes-256-gcm', this.#receive, nonceOf(counter), TAG_OPTIONS)
    decipher.setAAD(bytes.subarray(0, HEADER_BYTES))
    decipher.setAuthTag(bytes.subarray(length - TAG_BYTES))
    const plaintext = decipher.update(bytes.subarray(HEADER_BYTES, length - TAG_BYTES))
    if (!authentic(decipher)) return 'seal'
    this.#window.add(counter)
    return plaintext
  }
}

const TAG_OPTIONS = { authTagLength: TAG_BYTES } as const

/** node:crypto copies a nonce at once, so one buffer serves all sessions. Its first half stays zero: counters have 32 bits. */
const nonce = Buffer.alloc(12)

function nonceOf(counter: number): Uint8Array {
  nonce.writeUInt32BE(counter, 8)
  return nonce
}

/** The index that a session datagram names: whose session it is, at its receiver. @param datagram at least 6 bytes */
export function sessionIndexOf(datagram: Uint8Array): number {
  const [, , a = 0, b = 0, c = 0, d = 0] = datagram
  return a * 2 ** 24 + ((b << 16) | (c << 8) | d)
}

/** @throws IdentityError BAD_ARGUMENT */
export function requireIndex(index: number): void {
  if (Number.isInteger(index) && index >= 0 && index <= MAX_INDEX) return
  throw new IdentityError('BAD_ARGUMENT', `an index is an integer from 0 to ${MAX_INDEX}, got ${index}`)
}

const MAX_INDEX = 2 ** 32 - 1
