/**
 * Reads what the daemon answered for display. Tolerant on purpose: a daemon of another version may leave members out
 * or add some, and `pc status` must still show the rest. What is missing is undefined or empty; texts come safe.
 */
import { safeLine } from './text.js'

export class Fields {
  readonly #map: Readonly<Record<string, unknown>>

  constructor(value: unknown) {
    this.#map = isRecord(value) ? value : {}
  }

  /** Everything as it came, for JSON. */
  get all(): Readonly<Record<string, unknown>> {
    return this.#map
  }

  /** One safe line; empty when there is none. */
  text(name: string): string {
    const value = this.#get(name)
    return typeof value === 'string' ? safeLine(value) : ''
  }

  /** The text untouched; for safeText, files and programs. */
  rawText(name: string): string | undefined {
    const value = this.#get(name)
    return typeof value === 'string' ? value : undefined
  }

  number(name: string): number | undefined {
    const value = this.#get(name)
    return typeof value === 'number' ? value : undefined
  }

  /** false unless it is true. */
  flag(name: string): boolean {
    return this.#get(name) === true
  }

  value(name: string): unknown {
    return this.#get(name)
  }

  fields(name: string): Fields {
    return new Fields(this.#get(name))
  }

  list(name: string): Fields[] {
    const value = this.#get(name)
    return Array.isArray(value) ? value.map((item) => new Fields(item)) : []
  }

  texts(name: string): string[] {
    const value = this.#get(name)
    return Array.isArray(value) ? value.filter((item) => typeof item === 'string').map(safeLine) : []
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.#map, name) ? this.#map[name] : undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
