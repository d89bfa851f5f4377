import { createHash } from 'node:crypto'

/** Written out and hashed in pieces of this size: SHA-256 is several times faster on few large pieces than on many small ones. */
const BUFFER_BYTES = 65_536

/** Marks what follows, so that no two lists of fields look alike: the number of fields, then each field with its type. */
const NUMBER = 1
const TEXT = 2
const BYTES = 3

/**
 * A fingerprint of everything that happened, in its order: two runs with the same digest did the same. Keeps nothing but
 * the state of a SHA-256 and one buffer, however much is added.
 */
export class Trace {
  readonly #hash = createHash('sha256')
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  readonly #view = new DataView(this.#buffer.buffer)
  #used = 0
  #events = 0

  /** How many events were added. */
  get events(): number {
    return this.#events
  }

  /** Adds one event. What `fields` hold is taken over at once. Different fields or another order give another digest. */
  add(kind: string, ...fields: readonly (string | number | Uint8Array)[]): void {
    this.#events++
    this.#text(kind)
    this.#reserve(5)
    this.#view.setUint32(this.#used, fields.length, true)
    this.#used += 4
    for (const field of fields) {
      if (typeof field === 'number') this.#number(field)
      else if (typeof field === 'string') this.#text(field)
      else this.#bytes(field)
    }
  }

  /** The SHA-256 of all events so far, as 64 hexadecimal digits. More can be added afterwards. */
  digest(): string {
    this.#flush()
    return this.#hash.copy().digest('hex')
  }

  #number(value: number): void {
    this.#reserve(9)
    this.#buffer[this.#used] = NUMBER
    // One NaN, so that its many bit patterns do not make a difference; +0 and -0 stay apart.
    this.#view.setFloat64(this.#used + 1, Number.isNaN(value) ? Number.NaN : value, true)
    this.#used += 9
  }

  #text(value: string): void {
    // A UTF-16 unit takes at most three bytes in UTF-8.
    if (value.length * 3 > BUFFER_BYTES - 5) {
      this.#lengthOf(TEXT, Buffer.byteLength(value))
      this.#large(Buffer.from(value))
      return
    }
    this.#reserve(5 + value.length * 3)
    const at = this.#used + 5
    const length = isAsciiShort(value) ? this.#ascii(value, at) : this.#buffer.write(value, at)
    this.#lengthOf(TEXT, length)
    this.#used += length
  }

  #ascii(value: string, at: number): number {
    const buffer = this.#buffer
    for (let index = 0; index < value.length; index++) buffer[at + index] = value.charCodeAt(index)
    return value.length
  }

  #bytes(value: Uint8Array): void {
    this.#lengthOf(BYTES, value.length)
    if (value.length > BUFFER_BYTES) {
      this.#large(value)
      return
    }
    this.#reserve(value.length)
    this.#buffer.set(value, this.#used)
    this.#used += value.length
  }

  #lengthOf(type: number, length: number): void {
    this.#reserve(5)
    this.#buffer[this.#used] = type
    this.#view.setUint32(this.#used + 1, length, true)
    this.#used += 5
  }

  #large(value: Uint8Array): void {
    this.#flush()
    this.#hash.update(value)
  }

  #reserve(length: number): void {
    if (this.#used + length > BUFFER_BYTES) this.#flush()
  }

  #flush(): void {
    if (this.#used > 0) this.#hash.update(this.#buffer.subarray(0, this.#used))
    this.#used = 0
  }
}

/** Copying by hand beats a call into the runtime for the short words that kinds and addresses are. */
function isAsciiShort(value: string): boolean {
  if (value.length > 24) return false
  for (let index = 0; index < value.length; index++) if (value.charCodeAt(index) > 0x7f) return false
  return true
}
