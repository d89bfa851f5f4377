import { expect, it } from 'vitest'
import { HandshakeSlots } from './handshake-slots.js'

it('handshake slots are bounded in total and for each address, and come back', () => {
  const slots = new HandshakeSlots(3, 2)
  expect([slots.take('a'), slots.take('a'), slots.take('a')]).toEqual([true, true, false])
  expect([slots.take('b'), slots.take('c')]).toEqual([true, false])
  slots.give('a')
  expect(slots.taken).toBe(2)
  expect(slots.take('c')).toBe(true)
  slots.give('nobody')
  expect(slots.taken).toBe(3)
})

it('a slot that is given back is one for its own address, and one alone', () => {
  const slots = new HandshakeSlots(10, 2)
  slots.take('a')
  slots.take('a')
  slots.give('a')
  expect([slots.take('a'), slots.take('a')]).toEqual([true, false])
  slots.give('a')
  slots.give('a')
  // Everything of that address came back before: this gives nothing.
  slots.give('a')
  expect(slots.taken).toBe(0)
  expect([slots.take('a'), slots.take('a'), slots.take('a')]).toEqual([true, true, false])
})
