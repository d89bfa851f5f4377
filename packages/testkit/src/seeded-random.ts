/**
 * Repeatable randomness for tests: sfc32 (Chris Doty-Humphrey's Small Fast Counting generator, 128 bits of state,
 * passes PractRand), seeded through FNV-1a with MurmurHash3's finaliser. Not for keys or anything secret.
 */
import { TestkitError } from './errors.js'

/** Results dropped after seeding, so that similar seeds give unlike sequences (the author of sfc32 uses 12). */
const WARM_UP_ROUNDS = 16

export class SeededRandom {
  /** The seed as text. Print it when a test fails: the same seed gives the same run. */
  readonly seed: string
  #a: number
  #b: number
  #c: number
  #counter: number

  /** A number and its decimal text are the same seed. */
  constructor(seed: number | string) {
    this.seed = String(seed)
    this.#a = hash(this.seed, 0x811c9dc5)
    this.#b = hash(this.seed, 0x9e3779b9)
    this.#c = hash(this.seed, 0x243f6a88)
    this.#counter = 1
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.#next()
  }

  /** A number in [0, 1) with 53 random bits. */
  float(): number {
    return ((this.#next() >>> 5) * 0x4000000 + (this.#next() >>> 6)) / 2 ** 53
  }

  /** Fresh random bytes, owned by the caller. */
  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let index = 0; index < length; index += 4) {
      const word = this.#next()
      for (let byte = 0; byte < 4 && index + byte < length; byte++) bytes[index + byte] = word >>> (8 * byte)
    }
    return bytes
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    if (!Number.isSafeInteger(min) || !Number.isSafeInteger(max) || min > max) {
      throw new TestkitError(
        'BAD_ARGUMENT',
        `integer(min, max) needs two integers with min <= max, got ${min} and ${max}`,
      )
    }
    return min + Math.floor(this.float() * (max - min + 1))
  }

  /** True with the given probability, between 0 and 1. */
  chance(probability: number): boolean {
    if (!(probability >= 0 && probability <= 1)) {
      throw new TestkitError('BAD_ARGUMENT', `chance() needs a probability between 0 and 1, got ${probability}`)
    }
    return this.float() < probability
  }

  /** A new list with the same elements in random order; every order is equally likely (Fisher and Yates). */
  shuffle<T>(list: readonly T[]): T[] {
    const shuffled = [...list]
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.integer(0, last)
      const element = shuffled[last] as T
      shuffled[last] = shuffled[other] as T
      shuffled[other] = element
    }
    return shuffled
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new TestkitError('BAD_ARGUMENT', 'pick() needs a list that is not empty')
    return list[this.integer(0, list.length - 1)] as T
  }

  /** An exponentially distributed number with the given mean, as waiting times in a network are. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.float())
  }

  /**
   * A generator of its own for one purpose. It depends on this one's seed and the name only, not on what was drawn so
   * far: a further draw in one place leaves all other places as they were.
   */
  stream(name: string): SeededRandom {
    // The length keeps ('a', 'b/c') and ('a/b', 'c') apart.
    return new SeededRandom(`${this.seed}/${name.length}:${name}`)
  }

  #next(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + result
    this.#c |= 0
    return result >>> 0
  }
}

function hash(text: string, basis: number): number {
  let value = basis
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
