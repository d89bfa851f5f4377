import { createIdentity } from '@pc/identity'
import { expect, it } from 'vitest'
import { KnownIds } from './known-ids.js'

it('gives the same object again, until others were used more lately', () => {
  const [a, b, c] = [createIdentity().id, createIdentity().id, createIdentity().id] as const
  const ids = new KnownIds(2)
  expect(ids.peek(a.bytes)).toBeUndefined()
  const made = ids.of(Uint8Array.from(a.bytes))
  expect(made.equals(a)).toBe(true)
  ids.note(b)
  expect(ids.of(a.bytes)).toBe(made)
  ids.note(c)
  expect([ids.peek(a.bytes), ids.peek(b.bytes), ids.peek(c.bytes)]).toEqual([made, undefined, c])
  expect(() => ids.of(new Uint8Array(32))).toThrow(expect.objectContaining({ code: 'BAD_PEER_ID' }))
  expect(ids.peek(c.bytes)).toBe(c)
})
