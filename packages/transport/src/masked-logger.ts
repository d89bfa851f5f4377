/**
 * A logger whose lines tell peers apart without saying who they are: ids are replaced by their masks, as values and inside of
 * texts. Packages log `PeerId` objects under `peer`; what errors say of peers, they say in text.
 */
import { type IdMask, PeerId, parseShortId } from '@pc/identity'
import type { Logger } from './ports.js'

export interface MaskedLoggerOptions {
  /** The peer whose text form begins with these seven characters, if this process knows one. */
  readonly known: (shortPrefix: string) => PeerId | undefined
}

/** A short id in a text whose owner nobody knows: it cannot be told apart from others, but it is not shown either. */
const UNKNOWN = 'id-unknown'
const PREFIX_CHARACTERS = 7
/** A full or a short id in text; only if its check character fits. One in 32 texts of that shape would by chance, and words have another. */
const ID_TEXT = /(?<![0-9a-z])(?:[0-9a-hjkmnp-tv-z]{53}|[0-9a-hjkmnp-tv-z]{8})(?![0-9a-z])/gi
/** Causes and lists inside of each other; what is deeper is left out. */
const MAX_DEPTH = 8
const LEFT_OUT = '…'

/** Everything that `logger` gets through the result, bindings of children included, has its ids masked. Values given are not changed. */
export function maskedLogger(logger: Logger, mask: IdMask, options: MaskedLoggerOptions): Logger {
  const masker = new Masker(mask, options.known)
  const at =
    (level: 'trace' | 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message?: string): void => {
      if (logger.isLevelEnabled?.(level) === false) return
      const masked = masker.fields(fields)
      if (message === undefined) logger[level](masked)
      else logger[level](masked, masker.text(message, fields))
    }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (bindings) => maskedLogger(logger.child(masker.fields(bindings)), mask, options),
    isLevelEnabled: (level) => logger.isLevelEnabled?.(level) ?? true,
  }
}

class Masker {
  readonly #mask: IdMask
  readonly #known: (shortPrefix: string) => PeerId | undefined

  constructor(mask: IdMask, known: (shortPrefix: string) => PeerId | undefined) {
    this.#mask = mask
    this.#known = known
  }

  fields(fields: object): object {
    if (fields instanceof Error) return this.#error(fields, fields, 0)
    return this.#members(fields, fields, 0)
  }

  /** @param line the fields it belongs to: an id there is one that is known */
  text(text: string, line: object): string {
    return text.replace(ID_TEXT, (token) => this.#token(token, line))
  }

  #token(token: string, line: object): string {
    const prefix = token.length > 8 ? token.slice(0, PREFIX_CHARACTERS).toLowerCase() : parseShortId(token)
    if (prefix === undefined) return token
    const known = idIn(line, prefix) ?? this.#known(prefix)
    if (token.length <= 8) return known === undefined ? UNKNOWN : this.#mask.of(known)
    if (known?.toString() === token.toLowerCase()) return this.#mask.of(known)
    try {
      return this.#mask.of(PeerId.parse(token))
    } catch {
      return token
    }
  }

  #value(value: unknown, line: object, depth: number): unknown {
    if (typeof value === 'string') return this.text(value, line)
    if (typeof value !== 'object' || value === null) return value
    if (isPeerId(value)) return this.#mask.of(value)
    const isError = value instanceof Error
    if (!isError && !Array.isArray(value) && !isPlain(value)) return value
    if (depth >= MAX_DEPTH) return LEFT_OUT
    if (isError) return this.#error(value, line, depth)
    if (Array.isArray(value)) return value.map((item) => this.#value(item, line, depth + 1))
    return this.#members(value, line, depth)
  }

  #members(members: object, line: object, depth: number): object {
    const masked: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(members)) masked[name] = this.#value(value, line, depth + 1)
    return masked
  }

  /** Of the same class: serializers look at it. */
  #error(error: Error, line: object, depth: number): Error {
    // What the prototype of a DOMException reads is not in its properties, and cannot be copied.
    const prototype = error instanceof DOMException ? Error.prototype : Object.getPrototypeOf(error)
    const copy = Object.create(prototype) as Error
    for (const name of new Set([...Object.getOwnPropertyNames(error), 'name', 'message', 'stack'])) {
      const value = this.#value(error[name as keyof Error], line, depth + 1)
      const enumerable = Object.prototype.propertyIsEnumerable.call(error, name)
      Object.defineProperty(copy, name, { value, enumerable, writable: true, configurable: true })
    }
    return copy
  }
}

function idIn(line: object, prefix: string): PeerId | undefined {
  return Object.values(line).find((value): value is PeerId => isPeerId(value) && value.toString().startsWith(prefix))
}

/** By its shape: a program may have more than one copy of the package it comes from. */
function isPeerId(value: unknown): value is PeerId {
  if (typeof value !== 'object' || value === null || !('bytes' in value) || !('short' in value)) return false
  return value.bytes instanceof Uint8Array && value.bytes.length === 32
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as unknown
  return prototype === Object.prototype || prototype === null
}
