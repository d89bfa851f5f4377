/**
 * The messages of the local command protocol, version 1: see PROTOCOL.md. Frames and envelopes are those of the
 * network (@pc/wire); the envelope's peer id is always nil, its id an integer, and ids count per session.
 */
import {
  decodeMessage,
  encodeFrame,
  InvalidPacketError,
  MAX_BULK_FRAME,
  type Message,
  PROTOCOL_VERSION,
  STREAM_LIMITS,
  type Value,
  type ValueLimits,
} from '@pc/wire'
import { CONTROL_ERROR_CODES, ControlError, type ControlErrorCode } from './errors.js'
import { isMap } from './values.js'

/** Version of this protocol, not of the envelope. Raised only when an old client could misread a new daemon. */
export const CONTROL_PROTOCOL = 1

/** Largest frame in either direction, in bytes without its length. */
export const MAX_CONTROL_MESSAGE: number = MAX_BULK_FRAME

/**
 * Structure of answers. A daemon's client trusts it, and a list of 1,000 peers has some 15,000 elements: more than the
 * 4,096 that strangers may make us read.
 */
const ANSWER_LIMITS: ValueLimits = { maxDepth: 16, maxElements: 65_536 }

/** Headers the protocol keeps for itself; no command may be called so. Append-only. */
export const RESERVED_HEADERS: readonly string[] = ['hello', 'cancel', 'ok', 'error', 'event', 'end']

/** The id of everything that belongs to the session and not to one request. */
export const SESSION_ID = 0

/** What a client says. */
export type ClientMessage =
  | { readonly type: 'hello'; readonly protocol: number; readonly client: string }
  | { readonly type: 'request'; readonly id: number; readonly command: string; readonly args: Value }
  | { readonly type: 'cancel'; readonly id: number }

/** What a daemon says. */
export type DaemonMessage =
  | { readonly type: 'hello'; readonly protocol: number; readonly daemon: string }
  | { readonly type: 'ok'; readonly id: number; readonly result: Value }
  | { readonly type: 'error'; readonly id: number; readonly error: ControlError }
  | { readonly type: 'event'; readonly id: number; readonly item: Value }
  | { readonly type: 'end'; readonly id: number }

/** @throws ControlError BAD_REQUEST */
export function readClientMessage(payload: Uint8Array): ClientMessage {
  const { header, id, body } = envelope(payload, STREAM_LIMITS)
  switch (header) {
    case 'hello':
      return { type: 'hello', protocol: wholeNumber(body, 'protocol'), client: text(body, 'client') }
    case 'cancel':
      return { type: 'cancel', id }
    case 'ok':
    case 'error':
    case 'event':
    case 'end':
      throw new ControlError('BAD_REQUEST', `expected a request, got the answer "${header}"`)
    default:
      if (id === SESSION_ID) throw new ControlError('BAD_REQUEST', 'expected a request id of at least 1, got 0')
      return { type: 'request', id, command: header, args: body }
  }
}

/** @throws ControlError BAD_REQUEST */
export function readDaemonMessage(payload: Uint8Array): DaemonMessage {
  const { header, id, body } = envelope(payload, ANSWER_LIMITS)
  switch (header) {
    case 'hello':
      return { type: 'hello', protocol: wholeNumber(body, 'protocol'), daemon: text(body, 'daemon') }
    case 'ok':
      return { type: 'ok', id, result: body }
    case 'error':
      return { type: 'error', id, error: readError(body) }
    case 'event':
      return { type: 'event', id, item: body }
    case 'end':
      return { type: 'end', id }
    default:
      throw new ControlError('BAD_REQUEST', `expected an answer, got "${header}"`)
  }
}

/** One frame of the protocol itself, ready for the socket. @throws WireError when the body cannot be encoded or is too large */
export function writeFrame(header: string, id: number, body: Value): Uint8Array {
  return encodeFrame({ header, id, version: PROTOCOL_VERSION, body, peerId: null }, { maxLength: MAX_CONTROL_MESSAGE })
}

/** An `ok` or `event` frame: a daemon may answer with more structure than a request may have. @throws WireError */
export function writeAnswer(header: 'ok' | 'event', id: number, body: Value): Uint8Array {
  const message = { header, id, version: PROTOCOL_VERSION, body, peerId: null }
  return encodeFrame(message, { maxLength: MAX_CONTROL_MESSAGE, limits: ANSWER_LIMITS })
}

/** The `error` frame of anything thrown: a ControlError travels whole, everything else as INTERNAL without its text. */
export function writeError(id: number, error: unknown): Uint8Array {
  const { code, message, details } = publicError(error)
  const body = { code, text: message.slice(0, MAX_ERROR_TEXT) }
  if (details === undefined) return writeFrame('error', id, body)
  try {
    return writeFrame('error', id, { ...body, details: details as { [key: string]: Value } })
  } catch {
    // Details are a courtesy: an error whose details cannot be encoded still has to arrive.
    return writeFrame('error', id, body)
  }
}

/** What the client may know about `error`. */
export function publicError(error: unknown): ControlError {
  if (error instanceof ControlError) return error
  return new ControlError('INTERNAL', 'the command failed inside the daemon; its log says why', { cause: error })
}

const MAX_ERROR_TEXT = 4_096

function envelope(payload: Uint8Array, limits: ValueLimits): { header: string; id: number; body: Value } {
  const message = decoded(payload, limits)
  if (message.peerId !== null) throw new ControlError('BAD_REQUEST', 'expected a nil peer id in the envelope')
  if (typeof message.id !== 'number') throw new ControlError('BAD_REQUEST', 'expected an integer id in the envelope')
  return { header: message.header, id: message.id, body: message.body }
}

function decoded(payload: Uint8Array, limits: ValueLimits): Message {
  try {
    return decodeMessage(payload, limits)
  } catch (error) {
    if (!(error instanceof InvalidPacketError)) throw error
    throw new ControlError('BAD_REQUEST', `not a message of this protocol: ${error.message}`, { cause: error })
  }
}

function readError(body: Value): ControlError {
  const details = member(body, 'details')
  const code = member(body, 'code')
  const message = member(body, 'text')
  return new ControlError(knownCode(code), typeof message === 'string' ? message : 'the daemon gave no reason', {
    details: isMap(details) ? details : undefined,
  })
}

/** A newer daemon may know codes that we do not: those count as INTERNAL here. */
function knownCode(code: Value | undefined): ControlErrorCode {
  return CONTROL_ERROR_CODES.find((known) => known === code) ?? 'INTERNAL'
}

function wholeNumber(body: Value, name: string): number {
  const value = member(body, name)
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new ControlError('BAD_REQUEST', `expected an integer "${name}" in hello`)
}

function text(body: Value, name: string): string {
  const value = member(body, name)
  if (typeof value === 'string' && value.length <= 256) return value
  throw new ControlError('BAD_REQUEST', `expected a text "${name}" of up to 256 characters in hello`)
}

function member(body: Value, name: string): Value | undefined {
  return isMap(body) ? body[name] : undefined
}
