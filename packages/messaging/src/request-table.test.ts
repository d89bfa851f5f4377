import { expect, test } from 'vitest'
import { RequestTable } from './request-table.js'

test('an entry is taken out once', () => {
  const table = new RequestTable<string>(4)
  expect(table.add(1, 7, 'a')).toBe('added')
  expect(table.add(1, 7, 'b')).toBe('duplicate')
  expect(table.add(2, 7, 'c')).toBe('added')
  expect(table.take(1, 7)).toBe('a')
  expect(table.take(1, 7)).toBeUndefined()
  expect(table.take(3, 7)).toBeUndefined()
  expect(table.size).toBe(1)
})

test('each connection has a limit of its own', () => {
  const table = new RequestTable<string>(2)
  table.add(1, 1, 'a')
  table.add(1, 2, 'b')
  expect(table.add(1, 3, 'c')).toBe('full')
  expect(table.add(2, 3, 'd')).toBe('added')
  table.take(1, 1)
  expect(table.add(1, 3, 'c')).toBe('added')
})

test('a connection, or everything, is emptied in order', () => {
  const table = new RequestTable<string>(4)
  table.add(1, 1, 'a')
  table.add(2, 1, 'b')
  table.add(1, 2, 'c')
  expect(table.takeAll(1)).toEqual(['a', 'c'])
  expect(table.takeAll(1)).toEqual([])
  expect(table.takeAll()).toEqual(['b'])
  expect(table.size).toBe(0)
})
