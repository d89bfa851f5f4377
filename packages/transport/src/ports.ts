/**
 * What the drivers of every package are given instead of reaching for globals: time, chance and a place to write logs.
 * Tests pass `VirtualClock` and `SeededRandom` of `@pc/testkit`, which fit these shapes.
 */
import { randomBytes } from 'node:crypto'

/** Time, as everything in this project sees it. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. Every deadline and every duration is measured with it. */
  now(): number
  /** Unix milliseconds. For display and for sequence numbers of records only: it can jump in both directions. */
  unixNow(): number
  /** Runs `callback` once after `delayMs`; the result is only good for {@link Clock.clearTimeout}. */
  setTimeout(callback: () => void, delayMs: number): unknown
  /** Cancels a timer; one that has fired, was cancelled, or is undefined is ignored. */
  clearTimeout(timer: unknown): void
}

/** Chance: jitter, back-off, nonces. */
export interface Random {
  /** A number in [0, 1). */
  float(): number
  /** `length` fresh bytes, owned by the caller. */
  bytes(length: number): Uint8Array
}

/** The part of a pino logger that packages use. Fields first, then a constant message. */
export interface Logger {
  trace(fields: object, message?: string): void
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  child(bindings: object): Logger
  /** Whether lines of a level are written at all; a logger without it writes everything. */
  isLevelEnabled?(level: string): boolean
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  unixNow: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout | undefined),
}

const FLOAT_BYTES = 6
/** For 256 numbers: to ask the system for each costs more than most of what they are for. */
const FLOATS_AT_ONCE = 256 * FLOAT_BYTES
let floats = Buffer.alloc(0)
let floatsUsed = 0

/** The randomness of this machine; `bytes` is fit for keys and nonces, `float` is built from 48 bits of the same source. */
export const systemRandom: Random = {
  float: () => {
    if (floatsUsed === floats.length) {
      floats = randomBytes(FLOATS_AT_ONCE)
      floatsUsed = 0
    }
    floatsUsed += FLOAT_BYTES
    return floats.readUIntBE(floatsUsed - FLOAT_BYTES, FLOAT_BYTES) / 2 ** 48
  },
  bytes: (length) => new Uint8Array(randomBytes(length)),
}

function ignore(): void {}

/** Writes nothing; the default everywhere, because only programs decide where logs go. */
export const silentLogger: Logger = {
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLogger,
  isLevelEnabled: () => false,
}
