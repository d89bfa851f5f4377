import { createIdentity } from '@pc/identity'
import { VirtualClock } from '@pc/testkit'
import { expect, it } from 'vitest'
import { EarlyAskers } from './early-askers.js'

const address = (host: string) => ({ host, port: 3_485 })

it('takes those whose handshake has ended 250 ms later, and never the others', async () => {
  const clock = new VirtualClock()
  const taken: string[] = []
  const [id, other] = [createIdentity().id, createIdentity().id]
  const askers = new EarlyAskers({
    clock,
    isProved: (_, { host }) => host !== '10.0.0.66',
    onProved: (_, { host }) => taken.push(`${host} at ${clock.now()}`),
  })
  askers.note(id, address('10.0.0.1'))
  // The same first message, from somewhere else.
  askers.note(id, address('10.0.0.66'))
  await clock.advance(100)
  askers.note(other, address('10.0.0.2'))
  await clock.advance(1_000)
  expect(taken).toEqual(['10.0.0.1 at 250', '10.0.0.2 at 350'])
  askers.note(id, address('10.0.0.3'))
  askers.close()
  askers.note(id, address('10.0.0.4'))
  await clock.advance(1_000)
  expect(taken).toHaveLength(2)
})
