import { expect, it } from 'vitest'
import { requireLegal } from './peer-state.js'

const STATES = ['unknown', 'online', 'checking', 'offline'] as const

it('allows the changes of the diagram and no others', () => {
  const allowed: string[] = []
  for (const from of STATES) {
    for (const to of STATES) {
      try {
        requireLegal(from, to, true)
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

it('lets a peer go straight from online to offline by its own word alone', () => {
  const illegal = expect.objectContaining({ code: 'ILLEGAL_TRANSITION' })
  expect(() => requireLegal('online', 'offline')).toThrow(illegal)
  expect(() => requireLegal('online', 'offline', true)).not.toThrow()
  expect(() => requireLegal('checking', 'offline')).not.toThrow()
})
