import { describe, expect, it } from 'vitest'
import { type Person, person } from '../test/_util/people.js'
import { Scene } from '../test/_util/scene.js'
import { StatementKind } from './statements.js'

const { SUSPECT, LEAVE } = StatementKind
const people = Array.from({ length: 40 }, (_, index) => person(`p${index}`))
const [first, second] = people as [Person, Person]

function numbers(seed: number): () => number {
  let drawn = seed
  return () => {
    drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0
    return drawn / 2 ** 32
  }
}

describe('a statement that was news', () => {
  it('goes to four at once and to four others 100 to 200 ms later, once', () => {
    const scene = new Scene({ quietMs: 60_000 }, numbers(1))
    scene.meet(...people)
    scene.sent()
    const farewell = scene.say(LEAVE, first, 1)
    scene.tell(second, farewell)
    expect(scene.sent().filter((line) => line.startsWith('LEAVE'))).toHaveLength(4)
    scene.tell(second, farewell)
    scene.advance(99)
    expect(scene.sent()).toEqual([])
    scene.advance(110)
    expect(scene.sent().filter((line) => line.startsWith('LEAVE'))).toHaveLength(4)
    scene.advance(5_000)
    expect(scene.sent()).toEqual([])
  })

  it('goes with pings and their answers too, the newest first, six at most, and not for ever', () => {
    const scene = new Scene({ quietMs: 60_000 }, numbers(2))
    scene.meet(...people)
    for (const leaver of people.slice(10, 20)) scene.tell(second, scene.say(LEAVE, leaver, 1))
    scene.advance(1_000)
    scene.sent()
    scene.packet(first, { type: 'ping', sequence: 1 })
    const carried = scene.lastTo(first)?.statements ?? []
    expect(carried).toHaveLength(6)
    expect(carried[0]?.subject).toBe(Buffer.from((people[19] as Person).id.bytes).toString('latin1'))
    for (let ping = 0; ping < 100; ping++) scene.packet(first, { type: 'ping', sequence: ping })
    expect(scene.lastTo(first)?.statements).toEqual([])
  })

  it('is one of at most 128 that wait, whatever a member sends', () => {
    const scene = new Scene({ quietMs: 60_000 }, numbers(3))
    const many = Array.from({ length: 150 }, (_, index) => person(`m${index}`))
    scene.meet(second, ...many)
    for (const one of many) scene.tell(second, scene.say(LEAVE, one, 1))
    expect(scene.state.status().statements).toBeLessThanOrEqual(128 + 64)
    scene.advance(10_000)
    expect(scene.state.status().statements).toBeLessThanOrEqual(64)
  })
})

describe('a member that floods', () => {
  it('makes this peer refute 20 accusations and no copies, and doubt itself once', () => {
    const scene = new Scene({ quietMs: 60_000 }, numbers(5))
    scene.meet(first, second)
    const before = scene.state.status().incarnation
    for (let copy = 0; copy < 50; copy++) scene.tell(second, scene.say(SUSPECT, first, 2 ** 40, scene.self))
    expect(scene.state.status()).toMatchObject({ incarnation: before + 1, localHealth: 1 })
    for (let more = 1; more < 50; more++) scene.tell(second, scene.say(SUSPECT, first, 2 ** 40 + more, scene.self))
    expect(scene.state.status()).toMatchObject({ incarnation: before + 20, localHealth: 1 })
  })

  it('has 200 signatures checked at once and 100 a second, and 20 accusations taken', () => {
    const scene = new Scene({ quietMs: 60_000 }, numbers(4))
    scene.meet(...people)
    scene.events()
    for (const subject of people.slice(2)) scene.tell(first, scene.say(SUSPECT, first, 1, subject))
    expect(scene.events()).toHaveLength(20)
    const forged = {
      ...scene.say(LEAVE, second, 5),
      bytes: scene.say(LEAVE, second, 5).bytes.map((byte, at) => (at > 90 ? 0 : byte)),
    }
    for (let times = 0; times < 1_000; times++) scene.tell(first, forged)
    const { forged: checked, limited } = scene.state.status()
    expect(checked).toBeLessThanOrEqual(200)
    expect(checked + limited).toBe(1_000)
    expect(scene.stateOf(second)).toBe('online')
  })
})
