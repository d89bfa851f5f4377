import type { Value } from '@pc/wire'

/** Whether a wire value is a map; lists and bytes are objects too. */
export function isMap(value: unknown): value is { [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}
