import { SeededRandom, VirtualClock } from '@pc/testkit'
import type { Value } from '@pc/wire'
import { expect, it } from 'vitest'
import { contactAt, contactOn } from '../test/_util/contacts.js'
import { Calls } from './calls.js'
import { type Contact, packContact } from './contact.js'
import { RoutingTable } from './routing-table.js'
import { fillTable } from './table-fill.js'

const OWN = contactAt('0')

/** k = 7, so that one contact of each part will do. Near the own position everybody is known; of the farther half there are `far` others. */
function setUp(names: (asked: Contact, far: readonly Contact[]) => readonly Contact[] | undefined) {
  const clock = new VirtualClock()
  const random = new SeededRandom('fill')
  const table = RoutingTable.create({ own: OWN.position, now: 0, limits: { bucketSize: 7 } })
  const near = Array.from({ length: 9 }, (_, index) => on(`01${index.toString(2).padStart(4, '0')}`, `10.1.0.${index}`))
  const far = Array.from({ length: 9 }, (_, index) => on(`1${index.toString(2).padStart(4, '0')}`, `10.2.0.${index}`))
  for (const each of near) table.proved(each, 0)
  const pinged: Contact[] = []
  const calls = new Calls({
    table,
    clock,
    rpc: async (to, request) => {
      if ((request as readonly Value[])[0] === 0) {
        pinged.push(to)
        return []
      }
      const named = names(to, far)
      if (named === undefined) throw new Error('no answer')
      return [named.flatMap((contact) => packContact(contact) ?? [])]
    },
  })
  return { parts: { position: OWN.position, random, table, calls }, pinged, far, table }
}

function on(bits: string, host: string): Contact {
  return contactOn(contactAt(bits).position, host)
}

it('meets as many as are missing of each part, and nobody of another', async () => {
  const { parts, pinged, table } = setUp((_, far) => [on('0111', '10.3.0.1'), ...far])
  await fillTable(parts)
  expect(pinged.length).toBe(1)
  expect(table.size).toBe(8)
})

it.each([
  ['is silent', undefined],
  ['names nobody', []],
])('asks another one when the first %s', async (_, answer) => {
  let asked = 0
  const { parts, pinged } = setUp((_to, far) => (asked++ === 0 ? answer : far))
  await fillTable(parts)
  expect([asked, pinged.length]).toEqual([2, 1])
})

it('ends with the reason of its signal', async () => {
  const { parts, pinged } = setUp((_, far) => far)
  await expect(fillTable(parts, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  expect(pinged).toEqual([])
})
