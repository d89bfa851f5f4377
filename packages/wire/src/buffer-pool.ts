/**
 * Long buffers that are used again. A stream of hundreds of megabytes a second takes thousands of them a second; left to the garbage
 * collector, whose heap they are outside of, they make it stop the process many times a second for as long as a request takes.
 */

/** Shorter ones cost next to nothing anew, and are not given back. */
export const LEAST_BYTES = 4_096
/** Longer ones are too rare to be kept. */
const MOST_BYTES = 262_144
/** What is kept at most, in all. */
const KEPT_BYTES = 8_388_608

/** By size class, four of them from each power of two to the next: a buffer is at most a quarter longer than was asked for. */
const kept: Buffer[][] = []
let keptBytes = 0
/** Those that came from here and are away: nothing else is taken back, and nothing twice. */
const away = new WeakSet<ArrayBufferLike>()

/** How long the buffer is that `obtain` gives. */
export function capacityFor(length: number): number {
  if (length < LEAST_BYTES || length > MOST_BYTES) return length
  const step = stepOf(length)
  return Math.ceil(length / step) * step
}

/** A buffer of `capacityFor(length)` bytes, whose content is anything. */
export function obtain(length: number): Buffer {
  if (length < LEAST_BYTES || length > MOST_BYTES) return Buffer.allocUnsafe(length)
  const capacity = capacityFor(length)
  const again = kept[classOf(capacity)]?.pop()
  if (again !== undefined) keptBytes -= capacity
  const buffer = again ?? Buffer.allocUnsafeSlow(capacity)
  away.add(buffer.buffer)
  return buffer
}

/**
 * Says that nobody looks any more at a long body that a `MessageReader` gave, or at a chunk that a `FrameWriter` gave: its memory is used for
 * later ones, so from here on it must be neither read nor written, through whatever view. Worth it where many long ones pass, and never
 * owed: what is not given back is collected as everything is. Ignores what did not come from there, and what was given back already.
 */
export function recycle(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (!away.delete(buffer)) return
  const capacity = buffer.byteLength
  if (keptBytes + capacity > KEPT_BYTES) return
  keptBytes += capacity
  const index = classOf(capacity)
  const others = kept[index]
  if (others === undefined) kept[index] = [Buffer.from(buffer)]
  else others.push(Buffer.from(buffer))
}

/** A quarter of the power of two below. */
function stepOf(length: number): number {
  return 2 ** (29 - Math.clz32(length))
}

function classOf(capacity: number): number {
  return 4 * (31 - Math.clz32(capacity)) + (capacity / stepOf(capacity) - 4)
}
