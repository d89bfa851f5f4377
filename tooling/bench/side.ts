/** What a contestant's module exports. Each side runs in a process of its own (side-process.ts), under the harness's command. */

/** What can go between processes. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The end that answers. It resolves when it can be reached: the near end is started only then. */
export type Far = (context: { readonly folder: string }) => Promise<FarSide>

export interface FarSide {
  /** What the near end needs to find it, such as a port. */
  readonly hello: Json
  close(): void | Promise<void>
}

/** The end that asks and measures. Without a `far` in its module it is alone, and `hello` is null. */
export type Near = (context: { readonly hello: Json; readonly folder: string }) => Promise<NearSide>

export interface NearSide {
  /** By name. Contestants are measured one after the other under each of the names that `ours` has. */
  readonly measures: Readonly<Record<string, Measure>>
  close(): void | Promise<void>
}

/**
 * Measures for about `ms` milliseconds and returns numbers by the names of figures, unit included. It must count what
 * really happened, and throw when something got lost.
 */
export type Measure = (ask: { readonly ms: number }) => Promise<Readonly<Record<string, number>>>
