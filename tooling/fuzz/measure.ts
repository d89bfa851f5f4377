/**
 * What a case cost.
 *
 * Time: what passes around the handler alone. A run that is slower than half the bar is repeated in the same state until it is not,
 * at most eight times; one still over the bar then gets forty more when its process has seen all its cases. Of a repetition the lesser of the time that passed and the processor time of this process is taken: the
 * first also counts other processes of a busy machine, the second the helper threads that compile and collect; neither is ever
 * less than what the handler took. The least of all runs counts: a first run also contains code that is not compiled yet and garbage of the harness. An input that is
 * really slow is slow each time.
 *
 * Memory, in two steps. First, for every case, everything allocated during the call, garbage included: an upper bound, and
 * nearly free to read. An input over the bound is then looked at closely, several times, each right after a forced
 * collection: what is still held when the call is over (the mean of a batch whose results are all kept, after a second
 * collection), and in addition everything that was made in the call outside of the heap (array buffers) and among its large
 * objects, even if it was dropped again. That is where a buffer or an array made by a lying length would be, which what
 * remains after a collection would not show. Small garbage is not counted: the next scavenge takes it, and it never adds up.
 */

import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'
import { collectGarbage } from '../collect-garbage.js'

/** Bars of the figures, in µs: for inputs of up to a datagram, and for larger ones (up to 64 KiB). */
export const SMALL_BAR_US = 200
export const LARGE_BAR_US = 3_000
/** For a whole exchange of several frames, a signature and turns of the event loop among them. */
export const CONVERSATION_BAR_US = 1_000

/** Bytes that one call may allocate. */
export function allocationBound(inputBytes: number): number {
  return 96 * inputBytes + 65_536
}

export interface Cost {
  readonly us: number
  /** May be too low, even negative, when a collection happened; never too high by more than the harness itself. */
  readonly allocated: number
}

/** What `action` threw or returned, and what it cost. */
export async function measure(
  action: () => unknown,
  processorTime = false,
): Promise<Cost & ({ readonly error: unknown } | { readonly result: unknown })> {
  const before = allocatedNow()
  const cpu = processorTime ? process.cpuUsage() : undefined
  const started = performance.now()
  try {
    let result = action()
    if (result instanceof Promise) result = await result
    return { ...costSince(before, cpu, started), result }
  } catch (error) {
    return { ...costSince(before, cpu, started), error }
  }
}

/** The value at or below which this share of the values lies (nearest rank); NaN of none. Sorts in place. */
export function quantile(values: Float64Array, share: number): number {
  if (values.length === 0) return Number.NaN
  values.sort()
  return values[Math.max(0, Math.ceil(share * values.length) - 1)] ?? Number.NaN
}

/** Bytes outside of the heap and in large objects: what is there now, garbage included. */
export function largeNow(): number {
  const spaces = getHeapSpaceStatistics().filter(({ space_name }) => space_name.endsWith('large_object_space'))
  return spaces.reduce((sum, { space_used_size }) => sum + space_used_size, getHeapStatistics().external_memory)
}

/** Bytes that are held now. */
export function heldNow(): number {
  collectGarbage()
  return allocatedNow()
}

function costSince(before: number, cpu: NodeJS.CpuUsage | undefined, started: number): Cost {
  const passed = (performance.now() - started) * 1_000
  const used = cpu === undefined ? undefined : process.cpuUsage(cpu)
  const us = used === undefined ? passed : Math.min(passed, used.user + used.system)
  return { us, allocated: allocatedNow() - before }
}

function allocatedNow(): number {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}
