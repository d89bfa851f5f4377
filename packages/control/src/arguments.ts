import type { Value } from '@pc/wire'
import { ControlError } from './errors.js'
import { isMap } from './values.js'

export interface TextRules {
  /** In UTF-16 units, as `length` counts. @default 65536 */
  maxLength?: number
  /** @default 1 */
  minLength?: number
}

export interface IntegerRules {
  /** @default 0 */
  min?: number
  /** @default Number.MAX_SAFE_INTEGER */
  max?: number
}

const DEFAULT_MAX_TEXT = 65_536

/**
 * Reads the arguments of a command, one by one, into typed values. A getter named `optional…` gives undefined for an
 * argument that is absent or nil. Everything throws BAD_ARGUMENTS with details {argument}. Call `done()` last: it
 * refuses arguments nobody asked for, so that a misspelt one is not silently ignored.
 */
export class ArgumentReader {
  /** As decoded, not copied: a client may send thousands. */
  readonly #values: { readonly [key: string]: Value }
  readonly #asked = new Set<string>()

  constructor(args: Value) {
    this.#values = asMap(args)
  }

  text(name: string, rules: TextRules = {}): string {
    return this.#required(name, this.optionalText(name, rules), 'a text')
  }

  optionalText(name: string, rules: TextRules = {}): string | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    const { minLength = 1, maxLength = DEFAULT_MAX_TEXT } = rules
    if (typeof value === 'string' && value.length >= minLength && value.length <= maxLength) return value
    throw unfit(name, `a text of ${minLength} to ${maxLength} characters`, value)
  }

  integer(name: string, rules: IntegerRules = {}): number {
    return this.#required(name, this.optionalInteger(name, rules), 'an integer')
  }

  optionalInteger(name: string, rules: IntegerRules = {}): number | undefined {
    const value = this.#take(name)
    if (value === undefined) return undefined
    const { min = 0, max = Number.MAX_SAFE_INTEGER } = rules
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
    throw unfit(name, `an integer from ${min} to ${max}`, value)
  }

  boolean(name: string): boolean {
    return this.#required(name, this.optionalBoolean(name), 'true or false')
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#take(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw unfit(name, 'true or false', value)
  }

  /** Any value as it came; undefined when absent. A nil that was sent stays null. */
  value(name: string): Value | undefined {
    this.#asked.add(name)
    return Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
  }

  /** @throws ControlError BAD_ARGUMENTS when there are arguments that no getter asked for */
  done(): void {
    for (const name of Object.keys(this.#values)) {
      if (this.#asked.has(name)) continue
      const known = [...this.#asked].join(', ')
      throw new ControlError(
        'BAD_ARGUMENTS',
        `unknown argument ${quoted(name)}: expected ${known === '' ? 'no arguments' : `only ${known}`}`,
        { details: { argument: name.slice(0, MAX_SHOWN) } },
      )
    }
  }

  #take(name: string): NonNullable<Value> | undefined {
    return this.value(name) ?? undefined
  }

  #required<T>(name: string, value: T | undefined, expected: string): T {
    if (value !== undefined) return value
    throw new ControlError('BAD_ARGUMENTS', `argument ${name} is missing: expected ${expected}`, {
      details: { argument: name },
    })
  }
}

/** For commands that take nothing: `parse: noArguments`. @throws ControlError BAD_ARGUMENTS */
export function noArguments(args: Value): undefined {
  new ArgumentReader(args).done()
  return undefined
}

/** What is shown of somebody else's text in a message. */
const MAX_SHOWN = 64

function asMap(args: Value): { readonly [key: string]: Value } {
  if (args === null) return {}
  if (isMap(args)) return args
  throw new ControlError('BAD_ARGUMENTS', `expected a map of arguments, got ${kindOf(args)}`)
}

function unfit(name: string, expected: string, value: NonNullable<Value>): ControlError {
  return new ControlError('BAD_ARGUMENTS', `argument ${name}: expected ${expected}, got ${kindOf(value)}`, {
    details: { argument: name },
  })
}

function kindOf(value: NonNullable<Value>): string {
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'string')
    return value.length > MAX_SHOWN ? `a text of ${value.length}` : `the text ${quoted(value)}`
  if (typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) return `${value.length} bytes`
  return Array.isArray(value) ? 'a list' : 'a map'
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN))
}
