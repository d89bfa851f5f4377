/**
 * The part of Standard Schema, version 1 (https://standardschema.dev), that is used here. Schemas of any library that
 * follows it fit; no library is needed.
 */
import { MessagingError, textOf } from './errors.js'

export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    /** For the type system only. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

const MAX_ISSUES = 3 // the first ones explain a bad value; a list of hundreds explains nothing

/**
 * The value as the schema gives it back.
 * @throws MessagingError with `code`, naming the first issues
 */
export async function validate<T>(
  schema: StandardSchemaV1<unknown, T> | undefined,
  value: unknown,
  code: 'BAD_INPUT' | 'BAD_OUTPUT',
): Promise<T> {
  return schema === undefined ? (value as T) : accept(await schema['~standard'].validate(value), code)
}

/**
 * As `validate`, for schemas that answer at once.
 * @throws MessagingError BAD_INPUT, or HANDLER_FAILED for a schema that throws or returns a promise
 */
export function validateAtOnce<T>(schema: StandardSchemaV1<unknown, T> | undefined, value: unknown): T {
  if (schema === undefined) return value as T
  let result: StandardResult<T> | Promise<StandardResult<T>>
  try {
    result = schema['~standard'].validate(value)
  } catch (cause) {
    throw new MessagingError('HANDLER_FAILED', `the schema threw: ${textOf(cause)}`, { cause })
  }
  if (!(result instanceof Promise)) return accept(result, 'BAD_INPUT')
  result.catch(() => {}) // its outcome is not used: the message is refused either way
  throw new MessagingError('HANDLER_FAILED', 'schemas of messages must answer at once, and this one returned a promise')
}

function accept<T>(result: StandardResult<T>, code: 'BAD_INPUT' | 'BAD_OUTPUT'): T {
  if (result.issues === undefined) return result.value
  const what = code === 'BAD_INPUT' ? 'the payload' : "the handler's result"
  const issues = result.issues.slice(0, MAX_ISSUES).map(describe).join('; ')
  throw new MessagingError(code, `${what} does not fit its schema: ${issues}`)
}

function describe(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
  return path === '' ? issue.message : `${path}: ${issue.message}`
}
