import { describe, expect, it } from 'vitest'
import { type Person, person } from '../test/_util/people.js'
import { Scene } from '../test/_util/scene.js'
import { LocalHealth } from './local-health.js'
import { StatementKind } from './statements.js'

const [anna, ben, carla, dora, emil] = ['anna', 'ben', 'carla', 'dora', 'emil'].map((name) => person(name)) as [
  Person,
  Person,
  Person,
  Person,
  Person,
]
const { SUSPECT } = StatementKind

describe('LocalHealth', () => {
  it('counts from 0 to 7: lateness, refutations and silence add, answers take away, sleep adds three', () => {
    const health = new LocalHealth(true)
    health.answered()
    expect(health.multiplier).toBe(0)
    health.refuted()
    health.unheard()
    expect(health.multiplier).toBe(2)
    expect(health.late(50, 0)).toBe(false)
    expect(health.late(250, 0)).toBe(true)
    expect(health.multiplier).toBe(2)
    expect(health.late(251, 0)).toBe(true)
    expect(health.multiplier).toBe(3)
    expect(health.late(3_001, 10)).toBe(true)
    expect(health).toMatchObject({ multiplier: 6, noVerdictsUntil: 5_010 })
    health.refuted()
    health.refuted()
    expect(health.multiplier).toBe(7)
    health.answered()
    expect(health.multiplier).toBe(6)
  })

  it('is always well where it is off', () => {
    const health = new LocalHealth(false)
    health.refuted()
    expect(health.late(10_000, 0)).toBe(false)
    expect(health).toMatchObject({ multiplier: 0, noVerdictsUntil: Number.NEGATIVE_INFINITY })
  })
})

/** Ben is accused by anna, and this machine stalls over the end of his time. */
function stalledVerdict(localHealth: boolean): string[] {
  const scene = new Scene({ quietMs: 60_000, localHealth })
  scene.meet(anna, ben, carla, dora, emil)
  for (const accuser of [anna, carla, dora, emil]) scene.tell(accuser, scene.say(SUSPECT, accuser, 1, ben))
  scene.events()
  scene.advance(500)
  scene.stall(5_000)
  // What ben had sent meanwhile is read after the wake-up that came late.
  if (scene.stateOf(ben) !== 'offline') scene.packet(ben, { type: 'ping', sequence: 1 })
  scene.advance(20_000)
  return scene.events()
}

describe('a machine that is late by a tenth of a second', () => {
  const accused = (): Scene => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben, carla, dora, emil)
    for (const accuser of [anna, carla, dora, emil]) scene.tell(accuser, scene.say(SUSPECT, accuser, 1, ben))
    scene.advance(2_950)
    scene.events()
    return scene
  }

  it('reads what came before it judges', () => {
    const scene = accused()
    scene.stall(150)
    expect(scene.stateOf(ben)).toBe('checking')
    scene.packet(ben, { type: 'ping', sequence: 1 })
    scene.advance(5_000)
    expect(scene.events()).toEqual(['ben up'])
  })

  it('judges all the same when it is late each time', () => {
    const scene = accused()
    for (let wake = 0; wake < 20 && scene.stateOf(ben) === 'checking'; wake++) scene.stall(160)
    expect(scene.stateOf(ben)).toBe('offline')
  })
})

describe('a machine that stalls', () => {
  it('reads first what came, and then judges', () => {
    expect(stalledVerdict(true)).toEqual(['ben up'])
    expect(stalledVerdict(false)).toEqual(['ben offline (suspected)'])
  })

  it('accuses nobody for 5 s after 3 s of it, probes more slowly, and says that it lives', () => {
    const scene = new Scene({}, Math.random)
    scene.meet(anna, ben)
    scene.advance(5_000)
    scene.sent()
    scene.stall(4_000)
    expect(scene.state.status().localHealth).toBe(3)
    expect(scene.sent().filter((line) => line.startsWith('ALIVE self'))).not.toHaveLength(0)
    scene.advance(4_900)
    expect(scene.events()).not.toContain('anna checking (suspected)')
    scene.advance(20_000)
    expect(scene.events()).toContain('anna checking (suspected)')
  })

  it('takes a sleep that only the wall clock shows the same way', () => {
    const scene = new Scene()
    scene.meet(anna)
    scene.give({ type: 'slept', ms: 600_000 })
    expect(scene.state.status().localHealth).toBe(3)
    expect(scene.sent()).toEqual(['ALIVE self → anna'])
  })
})

describe('an accusation of this peer', () => {
  it('is answered by a newer word, which goes to those with a connection first, and costs health', () => {
    const scene = new Scene()
    scene.connect(carla, 1)
    scene.meet(anna)
    scene.sent()
    scene.tell(anna, scene.say(SUSPECT, anna, 1_000, scene.self))
    expect(scene.state.status()).toMatchObject({ incarnation: 1_001, localHealth: 1 })
    expect(scene.sent()[0]).toBe('ALIVE self → carla')
    // Of before that word, made up beyond it, and by a stranger.
    scene.tell(anna, scene.say(SUSPECT, anna, 1_000, scene.self))
    expect(scene.state.status().incarnation).toBe(1_001)
    scene.tell(anna, scene.say(SUSPECT, anna, 2 ** 40, scene.self))
    expect(scene.state.status().incarnation).toBe(1_002)
    scene.tell(anna, scene.say(SUSPECT, ben, 2_000, scene.self))
    expect(scene.state.status().incarnation).toBe(1_002)
  })

  it('by an older number, as of who never heard one, is answered by the present one, once for each accuser, and costs nothing', () => {
    const scene = new Scene()
    scene.meet(anna, ben)
    scene.sent()
    scene.tell(anna, scene.say(SUSPECT, anna, 0, scene.self))
    expect(scene.state.status()).toMatchObject({ incarnation: 1_000, localHealth: 0 })
    expect(scene.sent()).toEqual(expect.arrayContaining(['ALIVE self → anna', 'ALIVE self → ben']))
    scene.advance(1_000)
    scene.sent()
    scene.tell(ben, scene.say(SUSPECT, anna, 0, scene.self))
    expect(scene.sent()).toEqual([])
    scene.tell(anna, scene.say(SUSPECT, ben, 0, scene.self))
    expect(scene.sent()).toContain('ALIVE self → ben')
  })

  it('by an older number is answered to each accuser himself, and to others once in a second', () => {
    const scene = new Scene()
    const others = Array.from({ length: 40 }, (_, index) => person(`other ${index}`))
    scene.meet(...others, anna)
    scene.sent()
    const accusers = others.slice(0, 20)
    for (const accuser of accusers) scene.tell(anna, scene.say(SUSPECT, accuser, 0, scene.self))
    scene.advance(500)
    const answers = scene.sent().filter((line) => line.startsWith('ALIVE self'))
    expect(answers).toEqual(expect.arrayContaining(accusers.map((_, index) => `ALIVE self → other ${index}`)))
    // Two waves of four besides.
    expect(answers.length).toBeLessThanOrEqual(20 + 8)
  })

  it('is answered to everybody: whoever hears it from the accused itself passes it on, once', () => {
    const scene = new Scene()
    scene.meet(anna, ben)
    scene.sent()
    scene.packet(anna, { type: 'statements' }, [scene.say(StatementKind.ALIVE, anna, 7)], 7)
    expect(scene.sent()).toContain('ALIVE anna → ben')
    scene.advance(5_000)
    scene.sent()
    scene.packet(anna, { type: 'statements' }, [scene.say(StatementKind.ALIVE, anna, 7)], 7)
    scene.tell(ben, scene.say(StatementKind.ALIVE, anna, 7))
    expect(scene.sent()).not.toContain('ALIVE anna → ben')
  })

  it('by its own word of an earlier run with a clock ahead makes it go on from there', () => {
    const scene = new Scene()
    scene.meet(anna)
    scene.tell(anna, scene.say(StatementKind.LEAVE, scene.self, 70_000))
    expect(scene.state.status()).toMatchObject({ incarnation: 70_001, localHealth: 0 })
  })
})
