/** What is fuzzed: a decoder or a handler, with everything that one case needs. */
import type { Shape } from './mutate/shape.js'

/** One life of what is fuzzed. It meets many cases, one after the other. */
export interface Subject {
  /** Brings it into the state in which the input meets it. Not timed. */
  prepare?(input: Uint8Array): void | Promise<void>
  /** Only this is timed. What it throws must be allowed by the target. A promise is awaited. */
  handle(input: Uint8Array): unknown
  /** What is wrong with what `handle` returned or left behind, in words; `undefined`: nothing. Not timed. */
  verify?(input: Uint8Array, result: unknown): string | undefined | Promise<string | undefined>
  /** As `verify`, with a valid input: whatever came before, that must still be handled. Not timed. */
  alive(): string | undefined | Promise<string | undefined>
  close?(): void | Promise<void>
}

export interface Target {
  /** `package/what`, as `--target` takes it. */
  readonly name: string
  /** One line for `fuzz list`. */
  readonly about: string
  /** Exports that this target fuzzes, as `@pc/wire decodeValue` or `@pc/identity PeerId.parse`. */
  readonly covers: readonly string[]
  /** Valid inputs, made by the real encoders or taken from the vectors. */
  seeds(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>
  readonly shape: Shape
  /** Whether `handle` may throw this: the package's own error, with a code that its documentation names for this call. */
  allows(error: unknown): boolean
  open(): Subject | Promise<Subject>
  /** Part of the cases beside other targets; for those that are slow by nature (disk, sockets). @default 1, of conversations 0.2 */
  readonly weight?: number
  /** `handle` waits for the operating system: its time says nothing about the handler, and is left out. @default false */
  readonly untimed?: boolean
  /**
   * One input is a whole exchange: several frames through streams and turns of the event loop, HELLO with its signature among
   * them. Such times are a figure of their own: the bar of 200 µs is for one packet. @default false
   */
  readonly conversation?: boolean
  /** Opened anew for every case, because what one case leaves behind is meant to change the next. @default false */
  readonly fresh?: boolean
}

/** For `allows`: errors of that class with one of these codes. */
export function errors(type: new (...args: never[]) => Error, codes: readonly string[]): (error: unknown) => boolean {
  const known = new Set(codes)
  return (error) => error instanceof type && known.has(String((error as { code?: unknown }).code))
}

export const nothing = (): boolean => false
