/** A name with types, shared by both sides: what the sender may send is what the handler gets. */
import { MessagingError } from './errors.js'
import { isName } from './frames.js'
import type { StandardSchemaV1 } from './standard-schema.js'

export interface RequestContract<I, O> {
  readonly kind: 'request'
  readonly name: string
  /** Checked by the peer that handles the request, before its handler. */
  readonly input: StandardSchemaV1<I> | undefined
  /** Checked by the peer that handles the request, after its handler. */
  readonly output: StandardSchemaV1<O> | undefined
}

export interface MessageContract<P> {
  readonly kind: 'message'
  readonly type: string
  /** Checked by the receiver before the message is stored. It must answer at once: see PROTOCOL.md, "Order". */
  readonly payload: StandardSchemaV1<P> | undefined
}

/**
 * Without schemas the types are a promise between the two programs that nothing checks; state them then:
 * `defineRequest<Order, Quote>('orders/quote')`.
 * @throws MessagingError BAD_ARGUMENT for a name that is not 1 to 64 bytes without control characters
 */
export function defineRequest<I, O>(
  name: string,
  schemas: { input?: StandardSchemaV1<I>; output?: StandardSchemaV1<O> } = {},
): RequestContract<I, O> {
  return Object.freeze({ kind: 'request', name: checkName(name), input: schemas.input, output: schemas.output })
}

/** @throws MessagingError BAD_ARGUMENT as `defineRequest` */
export function defineMessage<P>(type: string, schemas: { payload?: StandardSchemaV1<P> } = {}): MessageContract<P> {
  return Object.freeze({ kind: 'message', type: checkName(type), payload: schemas.payload })
}

export function requestContract<I, O>(name: string | RequestContract<I, O>): RequestContract<I, O> {
  return typeof name === 'string' ? defineRequest(name) : name
}

export function messageContract<P>(type: string | MessageContract<P>): MessageContract<P> {
  return typeof type === 'string' ? defineMessage(type) : type
}

function checkName(name: string): string {
  if (isName(name)) return name
  throw new MessagingError(
    'BAD_ARGUMENT',
    `expected a name of 1 to 64 bytes without control characters, got ${JSON.stringify(name)}`,
  )
}
