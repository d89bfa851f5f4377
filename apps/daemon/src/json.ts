/** Payloads of other peers may hold bytes, which JSON cannot: they are shown as base64 under a key that says so. */
import type { Value } from '@pc/wire'

export function toJsonValue(value: Value): Value {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(toJsonValue)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toJsonValue(member)]))
  }
  return value
}
