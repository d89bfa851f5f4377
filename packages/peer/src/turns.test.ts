import { expect, it } from 'vitest'
import { Turns } from './turns.js'

it('lets works of one name wait for each other, whatever becomes of them, and refuses too many', async () => {
  const turns = new Turns(3)
  const order: string[] = []
  const ends: (() => void)[] = []
  const work = (text: string) => () =>
    new Promise<string>((resolve) => {
      order.push(text)
      ends.push(() => resolve(text))
    })
  const first = turns.take('a', work('first'))
  const failing = turns.take('a', () => Promise.reject(new Error('no')))
  const third = turns.take('a', work('third'))
  const other = turns.take('b', work('other'))
  await expect(turns.take('a', work('fourth'))).rejects.toMatchObject({ code: 'BUSY' })
  expect(order).toEqual(['first', 'other'])
  for (const end of ends.splice(0)) end()
  expect([await first, await other]).toEqual(['first', 'other'])
  await expect(failing).rejects.toThrow('no')
  expect(order).toEqual(['first', 'other', 'third'])
  for (const end of ends.splice(0)) end()
  expect(await third).toBe('third')
  await expect(turns.take('a', () => Promise.resolve('free'))).resolves.toBe('free')
})
