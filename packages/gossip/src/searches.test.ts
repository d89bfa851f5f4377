import { createIdentity, type Identity } from '@pc/identity'
import { expect, it } from 'vitest'
import { type Rumor, RumorKind, signRumor } from './rumor.js'
import { Searches } from './searches.js'

const [anna, bert] = [1, 2].map((seed) => createIdentity(new Uint8Array(32).fill(seed))) as [Identity, Identity]
const ANSWER = Buffer.from('here')
const create = (limits = {}): Searches => new Searches({ maxOwn: 2, maxForeign: 2, ...limits }, () => 0.5, 0)

function queryOf(sequence: number, origin: Identity = anna): Rumor {
  const fields = { kind: RumorKind.QUERY, topic: 'search', boot: 1, createdAt: 1, ttlMs: 3_000 }
  return signRumor(origin, { ...fields, sequence, body: Buffer.from('printer') })
}

/** How often an answer is sent within a time. */
function sent(searches: Searches, until: number): number {
  let count = 0
  for (let now = searches.dueAt; now <= until; now = searches.dueAt) count += searches.due(now).hits.length
  return count
}

it('sends an answer after a moment of chance, and four times in all when nobody acknowledges it', () => {
  const searches = create()
  const query = queryOf(1)
  searches.take(query, anna.id, 3_000)
  expect(searches.answer(query.id, ANSWER, 10)).toBe(55)
  expect(searches.due(54).hits).toEqual([])
  expect(searches.due(55).hits).toEqual([{ to: anna.id, query: query.id, answer: ANSWER }])
  expect(sent(searches, 2_999)).toBe(3)
})

it('answers at once what reached it late', () => {
  const searches = create()
  const query = queryOf(1)
  searches.take(query, anna.id, 3_000)
  expect(searches.answer(query.id, ANSWER, 170)).toBe(170)
})

it('sends none again once the asker, and nobody else, has it', () => {
  const searches = create()
  const query = queryOf(1)
  searches.take(query, anna.id, 3_000)
  searches.answer(query.id, ANSWER, 0)
  searches.due(50)
  searches.acknowledged(query.id, bert.id)
  expect(searches.foreign).toBe(1)
  searches.acknowledged(query.id, anna.id)
  expect([searches.foreign, sent(searches, 2_999)]).toEqual([0, 0])
})

it('gives one answer to a query, 20 a second in all, and none to what it does not know', () => {
  const searches = create({ maxForeign: 100 })
  const queries = Array.from({ length: 30 }, (_, index) => queryOf(index + 1))
  for (const query of queries) searches.take(query, anna.id, 3_000)
  const taken = (now: number): number =>
    queries.filter(({ id }) => searches.answer(id, ANSWER, now) !== Number.POSITIVE_INFINITY).length
  expect([taken(0), taken(0), taken(1_000), taken(1_000)]).toEqual([20, 0, 10, 0])
  expect(searches.answer(new Uint8Array(16), ANSWER, 2_000)).toBe(Number.POSITIVE_INFINITY)
})

it('forgets a query at its deadline, and the oldest when there are too many', () => {
  const searches = create()
  const queries = [1, 2, 3].map((sequence) => queryOf(sequence))
  for (const query of queries) searches.take(query, anna.id, 3_000)
  expect(searches.foreign).toBe(2)
  expect(searches.answer(queries[0]?.id as Uint8Array, ANSWER, 0)).toBe(Number.POSITIVE_INFINITY)
  searches.due(3_000)
  expect(searches.foreign).toBe(0)
})

it('gives up what its asker cancels, also what comes only then', () => {
  const searches = create()
  const [query, late] = [queryOf(1), queryOf(2)]
  searches.take(query, anna.id, 3_000)
  expect(searches.cancel(bert.id.bytes, query.id, 0)).toBeUndefined()
  expect([searches.foreign, searches.isCancelled(query)]).toEqual([1, false])
  expect(searches.cancel(anna.id.bytes, query.id, 0)).toBe(query.key)
  expect([searches.foreign, searches.isCancelled(query)]).toEqual([0, true])
  searches.cancel(anna.id.bytes, late.id, 0)
  expect(searches.isCancelled(late)).toBe(true)
})

it('of its own search it takes one answer of each peer, and says which was the last that was wanted', () => {
  const searches = create()
  const query = queryOf(1)
  searches.begin(query, 2, 3_000)
  const outcomes = ['anna', 'anna', 'bert'].map((peer) => searches.hit(query.id, peer))
  expect(outcomes.map((outcome) => outcome?.isNew)).toEqual([true, false, true])
  expect(outcomes.map((outcome) => outcome?.isLast)).toEqual([false, false, true])
  expect([searches.end(query.id), searches.end(query.id)]).toEqual([true, false])
  // Over, but still acknowledged, so that nobody goes on sending.
  expect(searches.hit(query.id, 'carl')).toEqual({ isNew: false, isLast: false })
  expect(searches.hit(new Uint8Array(16), 'carl')).toBeUndefined()
})

it('is full with as many own searches as may be, until their deadline', () => {
  const searches = create()
  for (const sequence of [1, 2]) searches.begin(queryOf(sequence), 1, 3_000)
  searches.end(queryOf(1).id)
  expect([searches.own, searches.isFull, searches.dueAt]).toEqual([1, true, 3_000])
  expect(searches.due(3_000).over).toEqual([queryOf(2).id])
  expect([searches.own, searches.isFull]).toEqual([0, false])
})
