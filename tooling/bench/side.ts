/** What a contestant's module exports. Each side runs in a process of its own (side-process.ts), under the harness's command. */

/** What can go between processes. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The end that answers. It resolves when it can be reached: the near end is started only then. */
export type Far = (context: FarContext) => Promise<FarSide>

export interface FarContext {
  readonly folder: string
}

export interface FarSide {
  /** What the near end needs to find it, such as a port. */
  readonly hello: Json
  close(): void | Promise<void>
}

/** The end that asks and measures. Without a `far` in its module it is alone, and `hello` is null. */
export type Near = (context: NearContext) => Promise<NearSide>

export interface NearContext extends FarContext {
  readonly hello: Json
  /** How many to hold; 0 for a benchmark that states none. */
  readonly connections: number
}

export interface NearSide {
  /** By name. Contestants are measured one after the other under each of the names that `ours` has. */
  readonly measures: Readonly<Record<string, Measure>>
  close(): void | Promise<void>
}

/**
 * Measures for about `ms` milliseconds and returns numbers by the names of figures, unit included. It must count what
 * really happened, and throw when something got lost.
 */
export type Measure = (ask: MeasureAsk) => Promise<Readonly<Record<string, number>>>

export interface MeasureAsk {
  readonly ms: number
  /**
   * Says what it is at, for people at a terminal, and that it lives: a measure that takes much longer than `ms` and says nothing is
   * taken for one that hangs.
   */
  readonly progress: (text: string) => void
}
