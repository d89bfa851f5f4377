import { expect, test } from 'vitest'
import { ReceiveCursor } from './receive-cursor.js'
import { WINDOW } from './send-window.js'

test('a number is new once, and repeated afterwards', () => {
  const cursor = new ReceiveCursor()
  expect(cursor.check('a', 1)).toBe('new')
  cursor.stored('a', 1)
  expect(cursor.check('a', 1)).toBe('repeated')
  expect(cursor.check('a', 2)).toBe('new')
  expect(cursor.highest('a')).toBe(1)
})

test('looking changes nothing', () => {
  const cursor = new ReceiveCursor()
  cursor.check('a', 7)
  expect(cursor.check('a', 3)).toBe('new')
  expect(cursor.highest('a')).toBe(0)
})

test('a refused number stays refused, with its reason, when it comes again', () => {
  const cursor = new ReceiveCursor()
  cursor.stored('a', 1)
  cursor.refused('a', 2, 'DENIED')
  cursor.stored('a', 3)
  expect(cursor.check('a', 2)).toEqual({ refused: 'DENIED' })
  expect(cursor.check('a', 1)).toBe('repeated')
  expect(cursor.highest('a')).toBe(3)
})

test('a gap is let through, and what was jumped over is refused when it comes late', () => {
  const cursor = new ReceiveCursor()
  cursor.stored('a', 1)
  expect(cursor.check('a', 4)).toBe('new')
  cursor.stored('a', 4)
  expect(cursor.check('a', 2)).toEqual({ refused: 'OUT_OF_ORDER' })
  expect(cursor.check('a', 3)).toEqual({ refused: 'OUT_OF_ORDER' })
  expect(cursor.check('a', 5)).toBe('new')
})

test('what is jumped over is told once, at the jump, so that it is refused before anything covers it', () => {
  const cursor = new ReceiveCursor()
  expect(cursor.stored('a', 1)).toEqual([])
  expect(cursor.stored('a', 4)).toEqual([2, 3])
  expect(cursor.stored('a', 5)).toEqual([])
  expect(cursor.refused('a', 7, 'BUSY')).toEqual([6])
  expect(cursor.stored('a', 1_000)).toHaveLength(WINDOW - 1)
})

test('streams that begin in the middle are taken up where they speak', () => {
  const cursor = new ReceiveCursor()
  expect(cursor.check('a', 1000)).toBe('new')
  cursor.stored('a', 1000)
  expect(cursor.check('a', 999)).toEqual({ refused: 'OUT_OF_ORDER' })
  expect(cursor.check('a', 1001)).toBe('new')
})

test('as many numbers are remembered as a sender can have unsettled; older ones are neither stored nor acknowledged', () => {
  const cursor = new ReceiveCursor()
  cursor.refused('a', 1, 'BUSY')
  for (let number = 2; number <= WINDOW; number++) cursor.stored('a', number)
  expect(cursor.check('a', 1)).toEqual({ refused: 'BUSY' })
  cursor.stored('a', WINDOW + 1)
  expect(cursor.check('a', 1)).toBe('unknown')
  expect(cursor.check('a', 2)).toBe('repeated')
})

test('a jump of any size costs no more than the window', () => {
  const cursor = new ReceiveCursor()
  cursor.stored('a', 1)
  cursor.stored('a', Number.MAX_SAFE_INTEGER)
  expect(cursor.check('a', Number.MAX_SAFE_INTEGER - 1)).toEqual({ refused: 'OUT_OF_ORDER' })
  expect(cursor.check('a', 1)).toBe('unknown')
})

test('each epoch has numbers of its own; the one used least recently is forgotten', () => {
  const cursor = new ReceiveCursor()
  for (const epoch of ['a', 'b', 'c', 'd']) cursor.stored(epoch, 5)
  expect(cursor.check('b', 5)).toBe('repeated')
  cursor.stored('a', 6)
  cursor.stored('e', 1)
  expect(cursor.check('b', 5)).toBe('new')
  expect(cursor.check('a', 6)).toBe('repeated')
})
