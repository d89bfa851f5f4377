import { expect, test } from 'vitest'
import { SendWindow } from './send-window.js'

test('numbers rise by one, and the window is a span above the oldest unsettled number', () => {
  const window = new SendWindow(3)
  expect([window.take(), window.take(), window.take()]).toEqual([1, 2, 3])
  expect(window.open).toBe(false)
  expect(window.take()).toBeUndefined()
  window.settle(2)
  expect(window.open).toBe(false) // 4 - 1 is not below 3
  window.settle(1)
  expect([window.take(), window.take(), window.take()]).toEqual([4, 5, undefined])
})

test.each([
  { settle: [], ack: 2, settled: [1, 2], left: 2 },
  { settle: [2], ack: 3, settled: [1, 3], left: 1 },
  { settle: [1, 2], ack: 2, settled: [], left: 2 },
  { settle: [], ack: 0, settled: [], left: 4 },
  { settle: [], ack: 4, settled: [1, 2, 3, 4], left: 0 },
  { settle: [], ack: 5, settled: [], left: 4 }, // never sent
  { settle: [], ack: Number.MAX_SAFE_INTEGER, settled: [], left: 4 },
])('after settling $settle of 1–4, an acknowledgement of $ack settles $settled', ({ settle, ack, settled, left }) => {
  const window = new SendWindow()
  for (let count = 0; count < 4; count++) window.take()
  for (const number of settle) expect(window.settle(number)).toBe(true)
  expect(window.acknowledge(ack)).toEqual(settled)
  expect(window.acknowledge(ack)).toEqual([])
  expect(window.unsettled).toBe(left)
})

test('a lost connection settles everything once, and numbers go on rising', () => {
  const window = new SendWindow(2)
  window.take()
  window.take()
  expect(window.lose()).toEqual([1, 2])
  expect(window.lose()).toEqual([])
  expect(window.settle(1)).toBe(false)
  expect(window.take()).toBe(3)
})
