/** Resident memory of this process in bytes, garbage collected before. Sides of a benchmark are started with `--expose-gc`. */
export function residentBytes(): number {
  if (globalThis.gc === undefined) throw new Error('expected a process started with --expose-gc, got one without')
  // What the first one finalises, such as sockets, lets go of more that the second one finds.
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage.rss()
}
