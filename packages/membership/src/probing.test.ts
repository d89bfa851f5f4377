import { describe, expect, it } from 'vitest'
import { type Person, person } from '../test/_util/people.js'
import { Scene } from '../test/_util/scene.js'

const [anna, ben, carla, dora] = ['anna', 'ben', 'carla', 'dora'].map((name) => person(name)) as [
  Person,
  Person,
  Person,
  Person,
]

/** Answers the pings of some. */
function answering(scene: Scene, ...people: Person[]): Parameters<Scene['advance']>[1] {
  return ({ to, message }) => {
    const who = people.find(({ id }) => id.equals(to))
    if (who !== undefined && message?.type === 'ping') scene.packet(who, { type: 'ack', sequence: message.sequence })
  }
}

describe('SWIM §4.1, a probe', () => {
  it('pings three times, asks three others and dials, and accuses at the end of the period', () => {
    const scene = new Scene()
    scene.meet(anna)
    scene.advance(4_900)
    scene.meet(ben, carla, dora)
    scene.sent()
    scene.events()
    scene.advance(1_700)
    const lines = scene.sent()
    expect(lines.slice(0, 2)).toEqual(['ping anna', 'ping anna'])
    expect(lines.slice(2, 5).toSorted()).toEqual(['ping-req ben', 'ping-req carla', 'ping-req dora'])
    expect(lines[5]).toBe('ping anna')
    expect(lines).toContain('SUSPECT anna by self → anna')
    expect(scene.events()).toEqual(['dial', 'anna checking (suspected)'])
  })

  it('leaves out whoever was heard within 5 s, by whatever way', () => {
    const scene = new Scene()
    scene.meet(anna)
    for (let times = 0; times < 10; times++) {
      scene.advance(3_000)
      expect(scene.state.noteHeard(anna.id, scene.now, 'datagram')).toBe(true)
    }
    expect(scene.sent()).toEqual([])
  })

  it('is made again of the only peer, which was offline and is back by a packet', () => {
    const scene = new Scene()
    scene.meet(anna)
    scene.advance(60_000)
    expect(scene.stateOf(anna)).toBe('offline')
    scene.packet(anna, { type: 'ping', sequence: 1 })
    expect(scene.stateOf(anna)).toBe('online')
    scene.advance(60_000)
    expect(scene.stateOf(anna)).toBe('offline')
  })

  it('is content with an answer', () => {
    const scene = new Scene()
    scene.meet(anna)
    scene.advance(60_000, answering(scene, anna))
    expect(scene.events()).toEqual(['anna up'])
    // One in about six seconds.
    const { length } = scene.sent()
    expect(length).toBeGreaterThan(7)
    expect(length).toBeLessThan(14)
    expect(scene.state.get(anna.id)?.roundTripMs).toBe(0)
  })

  it('is content when one of those who were asked got an answer', () => {
    const scene = new Scene()
    scene.meet(anna, ben, carla)
    scene.advance(20_000, ({ to, message }) => {
      if (to.equals(anna.id) || message === undefined) return
      const who = to.equals(ben.id) ? ben : carla
      if (message.type === 'ping') scene.packet(who, { type: 'ack', sequence: message.sequence })
      if (message.type === 'ping-req') scene.packet(who, { type: 'ack', sequence: message.sequence })
    })
    expect(scene.events()).not.toContain('anna checking (suspected)')
    expect(scene.stateOf(anna)).toBe('online')
  })

  it('takes no answer from whoever was not asked', () => {
    const scene = new Scene({ indirectProbes: 0 })
    scene.meet(anna, ben)
    scene.advance(8_000, ({ to, message }) => {
      if (to.equals(anna.id) && message?.type === 'ping') scene.packet(ben, { type: 'ack', sequence: message.sequence })
    })
    expect(scene.stateOf(anna)).toBe('checking')
  })
})

describe('the cost', () => {
  it('is at most two probes in a second, for any number of peers', () => {
    const people = Array.from({ length: 60 }, (_, index) => person(`p${index}`))
    const scene = new Scene({}, Math.random)
    scene.meet(...people.slice(10))
    people.slice(0, 10).forEach((one, index) => {
      scene.connect(one, index + 1)
    })
    scene.advance(10_000, answering(scene, ...people))
    scene.sent()
    scene.advance(20_000, answering(scene, ...people))
    const pings = scene.sent().filter((line) => line.startsWith('ping '))
    expect(pings.length).toBeGreaterThan(30)
    expect(pings.length).toBeLessThanOrEqual(40)
  })

  it('goes to everybody once before anybody twice (SWIM §4.3)', () => {
    const people = Array.from({ length: 20 }, (_, index) => person(`p${index}`))
    const scene = new Scene({}, Math.random)
    scene.meet(...people)
    scene.advance(6_000, answering(scene, ...people))
    scene.sent()
    scene.advance(20_000, answering(scene, ...people))
    const pinged = scene.sent().filter((line) => line.startsWith('ping p'))
    expect(new Set(pinged).size).toBeGreaterThan(17)
  })
})

describe('requests to try somebody', () => {
  it('are answered with what came of it: ACK, or NACK after 300 ms', () => {
    const scene = new Scene()
    scene.meet(anna, ben)
    const target = Buffer.from(ben.id.bytes).toString('latin1')
    scene.packet(anna, { type: 'ping-req', sequence: 77, target })
    const ping = scene.lastTo(ben)?.message
    expect(ping).toMatchObject({ type: 'ping' })
    if (ping?.type === 'ping') scene.packet(ben, { type: 'ack', sequence: ping.sequence })
    expect(scene.lastTo(anna)?.message).toEqual({ type: 'ack', sequence: 77 })
    scene.packet(anna, { type: 'ping-req', sequence: 78, target })
    scene.advance(299)
    expect(scene.lastTo(anna)?.message).toEqual({ type: 'ack', sequence: 77 })
    scene.advance(2)
    expect(scene.lastTo(anna)?.message).toEqual({ type: 'nack', sequence: 78 })
  })

  it('are bounded: 20 at once of one peer, 64 of all', () => {
    const scene = new Scene()
    const askers = [person('a'), person('b'), person('c'), person('d'), person('e')]
    scene.meet(ben, ...askers)
    const target = Buffer.from(ben.id.bytes).toString('latin1')
    for (const [index, asker] of askers.entries()) {
      for (let one = 0; one < 50; one++) scene.packet(asker, { type: 'ping-req', sequence: one, target })
      expect(scene.state.status().relays).toBe(Math.min(64, 20 * (index + 1)))
    }
    scene.advance(400)
    expect(scene.state.status().relays).toBe(0)
  })
})
