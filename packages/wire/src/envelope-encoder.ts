import { pack } from './codec.js'
import { WireError } from './errors.js'
import { encodeHeader, rememberedEncoding } from './header.js'
import { PROTOCOL_VERSION, type ValueLimits } from './limits.js'
import { findFault, isMessageId, isPeerId, type MessageId, withoutSign } from './message-fields.js'
import { bytesLength, numberLength, putBytes, putConstant, putNumber, putText, textLength, utf8Length } from './put.js'
import { checkNumber, checkText, tooLarge, WHOLE } from './value-check.js'
import { ValueCopy } from './value-copy.js'

const ARRAY_OF_FIVE = 0x95
const NOTHING: Uint8Array = new Uint8Array(0)

/**
 * Envelopes in two steps: `measure` checks one and tells its length, and `put` writes it, without fail, where exactly that room
 * was made for it meanwhile.
 */
export class EnvelopeEncoder {
  readonly #limits: ValueLimits
  readonly #maxLength: number
  #header = NOTHING
  #id: MessageId = 0
  #body: unknown = null
  /** Bytes of the body in UTF-8, if it is a text. */
  #bodyLength = 0
  /** The body in place of `#body`, if it has members. */
  #encodedBody: Uint8Array | undefined
  #peerId: Uint8Array | null = null

  constructor(limits: ValueLimits, maxLength: number) {
    this.#limits = limits
    this.#maxLength = maxLength
  }

  /**
   * Bytes of the envelope. In errors each field is a value of its own; of the limits only the body can use anything up.
   * @throws WireError BAD_HEADER, BAD_ID, BAD_PEER_ID, and whatever `ValueCopy` throws
   */
  measure(header: string, id: MessageId, body: unknown, peerId: Uint8Array | null): number {
    const remembered = rememberedEncoding(header)
    if (remembered === undefined || !isMessageId(id) || !isPeerId(peerId)) {
      const fault = findFault(header, id, PROTOCOL_VERSION, peerId)
      if (fault) throw new WireError(...fault)
    }
    const encodedHeader = remembered ?? encodeHeader(header)
    const least = header.length + (typeof id === 'number' ? 0 : id.length)
    if (least > this.#maxLength) throw tooLarge(this.#maxLength, WHOLE)

    let bodyLength = 0
    let encodedBody: Uint8Array | undefined
    let length = 2 + encodedHeader.length
    length += typeof id === 'number' ? numberLength(withoutSign(id)) : bytesLength(id.length)
    length += peerId === null ? 1 : bytesLength(peerId.length)
    if (body instanceof Uint8Array) {
      length += bytesLength(body.length)
    } else if (typeof body === 'string') {
      bodyLength = utf8Length(body)
      checkText(body, bodyLength, WHOLE)
      length += textLength(bodyLength)
    } else if (typeof body === 'number') {
      checkNumber(body, WHOLE)
      length += numberLength(body)
    } else if (body === null || typeof body === 'boolean') {
      length += 1
    } else {
      // It may have getters, and they may use this very encoder: nothing is kept before they have run.
      const copy = new ValueCopy(this.#limits, this.#maxLength, least).copy(body)
      encodedBody = pack(copy, { maxLength: this.#maxLength })
      length += encodedBody.length
    }
    if (length > this.#maxLength) throw tooLarge(this.#maxLength, WHOLE)

    this.#header = encodedHeader
    this.#id = withoutSign(id)
    this.#body = body
    this.#bodyLength = bodyLength
    this.#encodedBody = encodedBody
    this.#peerId = peerId
    return length
  }

  /** Writes what was measured last, before anything else is encoded; keeps nothing of it. */
  put(target: Buffer, start: number): void {
    target[start] = ARRAY_OF_FIVE
    target.set(this.#header, start + 1)
    let at = start + 1 + this.#header.length
    at = putIntegerOrBytes(target, at, this.#id)
    at = putNumber(target, at, PROTOCOL_VERSION)
    at = this.#putBody(target, at)
    if (this.#peerId === null) putConstant(target, at, null)
    else putBytes(target, at, this.#peerId)
    this.#id = 0
    this.#body = null
    this.#encodedBody = undefined
    this.#peerId = null
  }

  #putBody(target: Buffer, at: number): number {
    const body = this.#body
    if (this.#encodedBody !== undefined) {
      target.set(this.#encodedBody, at)
      return at + this.#encodedBody.length
    }
    if (typeof body === 'string') return putText(target, at, body, this.#bodyLength)
    if (body instanceof Uint8Array || typeof body === 'number') return putIntegerOrBytes(target, at, body)
    return putConstant(target, at, body as null | boolean)
  }
}

function putIntegerOrBytes(target: Buffer, at: number, value: MessageId): number {
  return typeof value === 'number' ? putNumber(target, at, value) : putBytes(target, at, value)
}
