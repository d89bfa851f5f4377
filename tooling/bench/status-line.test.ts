import { expect, test } from 'vitest'
import { StatusLine } from './status-line.js'

function terminal(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, written, write: (text: string) => written.push(text) }
}

test('at a terminal each text takes the place of the one before, and clearing leaves nothing', () => {
  const at = terminal(true)
  const line = new StatusLine(at)
  line.clear()
  line.show('one')
  line.show('two')
  line.clear()
  line.clear()
  expect(at.written).toStrictEqual(['\r\u001b[Kone', '\r\u001b[Ktwo', '\r\u001b[K'])
})

test('elsewhere nothing is written', () => {
  const at = terminal(false)
  const line = new StatusLine(at)
  line.show('one')
  line.clear()
  expect(at.written).toStrictEqual([])
})
