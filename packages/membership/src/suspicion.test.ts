import { describe, expect, it } from 'vitest'
import { type Person, person } from '../test/_util/people.js'
import { Scene } from '../test/_util/scene.js'
import { DEFAULT_LIMITS } from './options.js'
import { StatementKind } from './statements.js'
import { accused, isNewAccuser, suspicionTimeMs } from './suspicion.js'

const { SUSPECT, ALIVE } = StatementKind
const [anna, ben, carla, dora, emil] = ['anna', 'ben', 'carla', 'dora', 'emil'].map((name) => person(name)) as [
  Person,
  Person,
  Person,
  Person,
  Person,
]

describe('Lifeguard §IV.B, suspicion that shrinks', () => {
  it('takes 9 s with one accuser, 3 s with three more, and less with each', () => {
    const times = [0, 1, 2, 3, 4].map((count) => Math.round(suspicionTimeMs(count, DEFAULT_LIMITS)))
    expect(times).toEqual([9_000, 6_000, 4_245, 3_000, 3_000])
  })

  it('knows an accuser again, also after the peer proved to be alive, and for a minute', () => {
    const statement = { bytes: new Uint8Array(), incarnation: 1 }
    const first = accused(undefined, 'a', statement, 0)
    expect(isNewAccuser(first, 'a', 1)).toBe(false)
    expect(isNewAccuser(first, 'b', 1)).toBe(true)
    first.cleared = true
    const again = accused(first, 'b', statement, 5)
    expect(again).toMatchObject({ since: 5, accusers: ['b'], former: ['a'], cleared: false, ownFailed: false })
    expect(isNewAccuser(again, 'a', 6)).toBe(false)
    again.cleared = true
    expect(isNewAccuser(again, 'a', 60_006)).toBe(true)
    expect(accused(again, 'a', statement, 60_006)).toMatchObject({ accusers: ['a'], former: [] })
  })

  it('counts eight accusers and no more', () => {
    const statement = { bytes: new Uint8Array(), incarnation: 1 }
    let suspicion = accused(undefined, '0', statement, 0)
    for (let one = 1; one < 20; one++) suspicion = accused(suspicion, `${one}`, statement, one)
    expect(suspicion.accusers).toHaveLength(8)
    expect(isNewAccuser(suspicion, '19', 20)).toBe(false)
  })
})

describe('a suspected peer without a connection', () => {
  it('is offline after 9 s when one accuses it and it does not answer this peer either', () => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben)
    scene.tell(ben, scene.say(SUSPECT, ben, 1, anna))
    expect(scene.events()).toEqual(['anna up', 'ben up', 'anna checking (suspected)'])
    scene.advance(8_990)
    expect(scene.stateOf(anna)).toBe('checking')
    expect(scene.sent()).toContain('ping anna')
    scene.advance(20)
    expect(scene.events()).toEqual(['anna offline (suspected)'])
  })

  it('is not offline by one accuser, whom it does not hear, as long as it answers this peer', () => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben)
    scene.tell(ben, scene.say(SUSPECT, ben, 1, anna))
    scene.advance(20_000, ({ to, message }) => {
      if (to.equals(anna.id) && message?.type === 'ping')
        scene.packet(anna, { type: 'ack', sequence: message.sequence })
    })
    expect(scene.events()).toEqual(['anna up', 'ben up', 'anna checking (suspected)', 'anna up'])
  })

  it('is offline after 3 s when four accuse it', () => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben, carla, dora, emil)
    for (const accuser of [ben, carla, dora, emil]) scene.tell(accuser, scene.say(SUSPECT, accuser, 1, anna))
    scene.advance(2_990)
    expect(scene.stateOf(anna)).toBe('checking')
    scene.advance(20)
    expect(scene.stateOf(anna)).toBe('offline')
  })

  it('does not count the same accuser twice', () => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben, carla)
    for (let times = 0; times < 4; times++) scene.tell(carla, scene.say(SUSPECT, ben, 1, anna))
    scene.advance(7_000)
    expect(scene.stateOf(anna)).toBe('checking')
  })

  it('is well again at once by its own newer word (memberlist: AliveNode_Refute), which is passed on', () => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben, carla)
    scene.tell(ben, scene.say(SUSPECT, ben, 1, anna))
    scene.sent()
    scene.tell(carla, scene.say(ALIVE, anna, 2))
    expect(scene.stateOf(anna)).toBe('online')
    scene.advance(20)
    expect(scene.sent().filter((line) => line.startsWith('ALIVE anna'))).not.toHaveLength(0)
    scene.events()
    // OldSuspect: of before that word.
    scene.tell(carla, scene.say(SUSPECT, carla, 1, anna))
    expect(scene.events()).toEqual([])
  })

  it('is accused once by a number beyond its own word, however many copies come', () => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben, carla)
    const madeUp = scene.say(SUSPECT, ben, 2 ** 40, anna)
    for (let word = 2; word < 6; word++) {
      scene.tell(carla, madeUp)
      scene.tell(carla, scene.say(ALIVE, anna, word))
    }
    scene.packet(anna, { type: 'ping', sequence: 1 }, [], 7)
    scene.tell(carla, madeUp)
    expect(scene.events()).toEqual(['anna up', 'ben up', 'carla up', 'anna checking (suspected)', 'anna up'])
    // Who keeps to what anna said may accuse her of each word.
    for (const word of [8, 9]) {
      scene.packet(anna, { type: 'ping', sequence: 1 }, [], word)
      scene.tell(carla, scene.say(SUSPECT, carla, word, anna))
    }
    expect(scene.events().filter((line) => line === 'anna checking (suspected)')).toHaveLength(1)
  })

  it('believes no statement that its signer did not sign, and none about or by strangers', () => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben)
    const real = scene.say(SUSPECT, ben, 1, anna)
    const forged = { ...real, bytes: real.bytes.map((byte, at) => (at === 80 ? byte ^ 1 : byte)) }
    scene.tell(ben, forged)
    scene.tell(ben, scene.say(SUSPECT, carla, 1, anna), scene.say(SUSPECT, ben, 1, carla))
    scene.tell(ben, scene.say(StatementKind.LEAVE, ben, 1, anna))
    expect(scene.events()).toEqual(['anna up', 'ben up'])
    expect(scene.state.status()).toMatchObject({ forged: 2, news: 0 })
  })
})
