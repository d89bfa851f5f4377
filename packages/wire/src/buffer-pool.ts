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
/**
 * Views that may be given back. Each is made once and taken back once: not its memory but the view is what counts, since the memory may have
 * another owner by the time of a second call.
 */
const lent = new WeakSet<Uint8Array>()

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
  // One that was sent to another thread has lost its memory.
  return again?.length === capacity ? again : Buffer.allocUnsafeSlow(capacity)
}

/** Lets `view`, which is all that anybody will look at of a buffer of `obtain`, be given back with `recycle`. */
export function lend(view: Uint8Array): void {
  if (view.length >= LEAST_BYTES) lent.add(view)
}

/**
 * Says that nobody looks any more at a long body that a `MessageReader` gave, or at a chunk that a `FrameWriter` gave: its memory is used for
 * later ones, so from here on it must be neither read nor written, through whatever view. Worth it where many long ones pass, and never
 * owed: what is not given back is collected as everything is. Takes the very object that was given, once; ignores everything else.
 */
export function recycle(bytes: Uint8Array): void {
  if (lent.delete(bytes)) release(bytes)
}

/** Keeps the memory of a buffer of `obtain` that nobody else has seen. */
export function release({ buffer, length }: Uint8Array): void {
  const capacity = buffer.byteLength
  // Shorter ones lie in buffers of Node's that they share.
  if (length < LEAST_BYTES || capacity > MOST_BYTES || capacityFor(capacity) !== capacity) return
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
