import { STREAM_LIMITS, type Value } from '@pc/wire'
import { MessagingError } from './errors.js'

export interface CopiedValue {
  readonly value: Value
  /** Roughly what the copy costs in memory, bytes. */
  readonly memory: number
  /** The encoded value has at least as many bytes. */
  readonly leastBytes: number
}

const SCALAR_BYTES = 16 // a slot with a boxed number, rounded up
const CONTAINER_BYTES = 64 // an empty object or array of V8, rounded up

/**
 * A deep copy that shares no byte with its source: what waits is safe from later changes by its owner, and what was
 * received does not keep the whole buffer of a connection alive. `undefined` becomes `null`, members that are
 * undefined are left out.
 * @throws MessagingError BAD_PAYLOAD
 */
export function copyValue(source: unknown): CopiedValue {
  const tally = { memory: 0, leastBytes: 0, elements: 0 }
  const value = copy(source, 0, tally)
  return { value, memory: tally.memory, leastBytes: tally.leastBytes }
}

interface Tally {
  memory: number
  leastBytes: number
  elements: number
}

function copy(source: unknown, depth: number, tally: Tally): Value {
  if (++tally.elements > STREAM_LIMITS.maxElements) {
    throw new MessagingError('BAD_PAYLOAD', `a payload has at most ${STREAM_LIMITS.maxElements} elements: send a file`)
  }
  tally.memory += SCALAR_BYTES
  tally.leastBytes += 1
  switch (typeof source) {
    case 'undefined':
      return null
    case 'boolean':
    case 'number':
      return source
    case 'string':
      tally.memory += 2 * source.length
      tally.leastBytes += source.length
      return source
    case 'object':
      return source === null ? null : copyObject(source, depth, tally)
    default:
      throw new MessagingError('BAD_PAYLOAD', `a payload holds data only, but there is a ${typeof source} in it`)
  }
}

function copyObject(source: object, depth: number, tally: Tally): Value {
  if (source instanceof Uint8Array) {
    tally.memory += CONTAINER_BYTES + source.length
    tally.leastBytes += source.length
    return Uint8Array.from(source)
  }
  if (depth >= STREAM_LIMITS.maxDepth) {
    throw new MessagingError('BAD_PAYLOAD', `a payload is at most ${STREAM_LIMITS.maxDepth} levels deep`)
  }
  tally.memory += CONTAINER_BYTES
  if (Array.isArray(source)) return source.map((item) => copy(item, depth + 1, tally))
  const prototype = Object.getPrototypeOf(source) as unknown
  if (prototype !== Object.prototype && prototype !== null) {
    const name = (source.constructor as { name?: string } | undefined)?.name ?? 'unnamed'
    throw new MessagingError('BAD_PAYLOAD', `a payload holds plain data only, but there is a ${name} in it`)
  }
  return copyMembers(source as Readonly<Record<string, unknown>>, depth, tally)
}

function copyMembers(source: Readonly<Record<string, unknown>>, depth: number, tally: Tally): Value {
  const result: { [key: string]: Value } = {}
  for (const key of Object.keys(source)) {
    if (key === '__proto__') throw new MessagingError('BAD_PAYLOAD', 'a payload has no member named "__proto__"')
    const member = source[key]
    if (member === undefined) continue
    tally.memory += 2 * key.length
    tally.leastBytes += key.length
    result[key] = copy(member, depth + 1, tally)
  }
  return result
}
