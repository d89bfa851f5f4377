import { expect, it } from 'vitest'
import { requireLegal } from './peer-state.js'

const STATES = ['unknown', 'online', 'checking', 'offline'] as const

it('allows the changes of the diagram and no others', () => {
  const allowed: string[] = []
  for (const from of STATES) {
    for (const to of STATES) {
      try {
        requireLegal(from, to, to === 'online')
        allowed.push(`${from} → ${to}`)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ILLEGAL_TRANSITION' })
      }
    }
  }
  expect(allowed).toEqual([
    'unknown → online',
    'online → checking',
    'online → offline',
    'checking → online',
    'checking → offline',
    'offline → unknown',
    'offline → online',
  ])
})

it('never lets a peer become anything but online while a connection stands, nor online without one', () => {
  const illegal = expect.objectContaining({ code: 'ILLEGAL_TRANSITION' })
  expect(() => requireLegal('online', 'offline', true)).toThrow(illegal)
  expect(() => requireLegal('online', 'checking', true)).toThrow(illegal)
  expect(() => requireLegal('offline', 'unknown', true)).toThrow(illegal)
  expect(() => requireLegal('checking', 'online', false)).toThrow(illegal)
})
