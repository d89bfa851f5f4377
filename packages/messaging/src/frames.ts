/**
 * Bodies of the frames of this package, as PROTOCOL.md lays them down. Reading never throws: what does not fit gives
 * `undefined`. Members that a reader does not know are ignored, so that later versions can add some.
 */

import { ErrorNumber } from '@pc/dispatch'
import type { Value } from '@pc/wire'
import { errorNameOf, MessagingError, type WireErrorName } from './errors.js'

/** Headers of the frames; append-only. */
export const Frame = {
  REQUEST: 'pc/request',
  REPLY: 'pc/reply',
  ERROR: 'pc/error',
  CANCEL: 'pc/cancel',
  MESSAGE: 'pc/message',
  ACK: 'pc/ack',
} as const

export const EPOCH_BYTES = 8
const MAX_NAME_BYTES = 64 // as envelope headers: a name never needs more room than a header
const MAX_TEXT_LENGTH = 512 // UTF-16 units of an error text: a sentence or two for a person
const MAX_CODE_LENGTH = 64

/** Where a message stands in its sender's stream. */
export interface Position {
  /** 8 random bytes, drawn anew for each stream: never reused with another meaning of the numbers. */
  readonly epoch: Uint8Array
  /** 1, 2, 3 … within the epoch. */
  readonly sequence: number
}

export interface MessageBody {
  readonly type: string
  /** Unix milliseconds of the sender's clock. */
  readonly sentAt: number
  readonly payload: Value
}

export interface RequestBody {
  readonly name: string
  /** Milliseconds the caller still waits. */
  readonly ttlMs: number
  readonly payload: Value
}

/** 1 to 64 bytes of UTF-8 without control characters: names of requests and types of messages. */
export function isName(text: unknown): text is string {
  if (typeof text !== 'string' || text.length === 0 || text.length > MAX_NAME_BYTES) return false
  return !/[\p{Cc}\p{Cs}]/u.test(text) && new TextEncoder().encode(text).length <= MAX_NAME_BYTES
}

export function writeMessage(position: Position, message: MessageBody & { ttlMs: number }): Value {
  return {
    type: message.type,
    epoch: position.epoch,
    seq: position.sequence,
    at: message.sentAt,
    ttl: wholeMs(message.ttlMs),
    body: message.payload,
  }
}

/**
 * Epoch and number alone: a message that cannot be read otherwise can still be refused by them. The epoch is a copy: it may
 * be kept for longer than the frame.
 */
export function readPosition(body: Value): Position | undefined {
  if (!isMap(body)) return undefined
  const { epoch, seq } = body
  if (!(epoch instanceof Uint8Array) || epoch.length !== EPOCH_BYTES || !isCount(seq) || seq === 0) return undefined
  return { epoch: Uint8Array.from(epoch), sequence: seq }
}

export function readMessage(body: Value): MessageBody | undefined {
  if (!isMap(body)) return undefined
  const { type, at, ttl, body: payload } = body
  if (!isName(type) || !isCount(at) || !isCount(ttl) || payload === undefined) return undefined
  return { type, sentAt: at, payload }
}

export function writeAck(position: Position): Value {
  return { epoch: position.epoch, seq: position.sequence }
}

export function writeRequest(request: RequestBody): Value {
  return { name: request.name, ttl: wholeMs(request.ttlMs), body: request.payload }
}

export function readRequest(body: Value): RequestBody | undefined {
  if (!isMap(body)) return undefined
  const { name, ttl, body: payload } = body
  if (!isName(name) || !isCount(ttl) || payload === undefined) return undefined
  return { name, ttlMs: ttl, payload }
}

export function writeReply(payload: Value): Value {
  return { body: payload }
}

/** In a box, because `null` is a reply too. */
export function readReply(body: Value): { payload: Value } | undefined {
  if (!isMap(body) || body.body === undefined) return undefined
  return { payload: body.body }
}

/** What a `pc/error` frame says. */
export interface ErrorBody {
  readonly name: WireErrorName
  readonly text: string
  readonly retryable: boolean
  readonly details?: { readonly [key: string]: Value }
}

export function writeError(error: ErrorBody, refused?: Position): Value {
  const details = refused === undefined ? error.details : { ...error.details, ...(writeAck(refused) as object) }
  return {
    code: ErrorNumber[error.name],
    text: error.text.slice(0, MAX_TEXT_LENGTH),
    retryable: error.retryable,
    ...(details === undefined ? {} : { details: details as { [key: string]: Value } }),
  }
}

/** The error as the caller sees it, and the message it refuses if it is about one. */
export function readError(body: Value): { error: MessagingError; refused: Position | undefined } | undefined {
  if (!isMap(body)) return undefined
  const { code, text, retryable, details } = body
  if (!isCount(code) || typeof text !== 'string' || typeof retryable !== 'boolean') return undefined
  const theirCode = details !== undefined && isMap(details) ? details.code : undefined
  const error = new MessagingError(errorNameOf(code) ?? 'REMOTE_ERROR', shown(text.slice(0, MAX_TEXT_LENGTH)), {
    remote: true,
    retryable,
    details: {
      number: code,
      ...(typeof theirCode === 'string' && theirCode.length <= MAX_CODE_LENGTH ? { code: shown(theirCode) } : {}),
    },
  })
  return { error, refused: details === undefined ? undefined : readPosition(details) }
}

/** Control characters would reach somebody's terminal sooner or later. */
function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ')
}

/** Bytes as text, for keys of maps and ids of messages. */
export function hexOf(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

function isMap(value: Value): value is { [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function wholeMs(ms: number): number {
  return Math.max(0, Math.ceil(ms))
}
