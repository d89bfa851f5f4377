import { collectGarbage } from '../collect-garbage.js'

/** What this process holds after a collection: objects, and the bytes of buffers, which are not on the heap. */
export function heldBytes(): number {
  // Buffers whose owners are garbage are given back by the next collection.
  collectGarbage()
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
