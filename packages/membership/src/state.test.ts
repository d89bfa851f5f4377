import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Person, person } from '../test/_util/people.js'
import { Scene } from '../test/_util/scene.js'
import type { Input } from './events.js'
import { StatementKind } from './statements.js'

const [anna, ben, carla, dora] = ['anna', 'ben', 'carla', 'dora'].map((name) => person(name)) as [
  Person,
  Person,
  Person,
  Person,
]
const { SUSPECT, ALIVE, LEAVE } = StatementKind
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

function down({ id }: Person, link: number, reason: 'lost' | 'silent' | 'left' = 'lost'): Input {
  return { type: 'disconnected', peer: id, link, lastHeardAt: 0, reason, detail: 'why' }
}

function failed({ id }: Person, check: number): Input {
  return { type: 'check-failed', peer: id, check, detail: 'refused' }
}

describe('a control connection', () => {
  it('makes a peer online, once; it is measured now and then', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.connect(anna, 1)
    scene.connect(anna, 2)
    expect(scene.events()).toEqual(['anna up'])
    scene.give({ type: 'round-trip', peer: anna.id, link: 2, ms: 8 })
    scene.give({ type: 'round-trip', peer: anna.id, link: 2, ms: 16 })
    scene.give({ type: 'round-trip', peer: anna.id, link: 1, ms: 1_000 })
    expect(scene.state.get(anna.id)).toMatchObject({ state: 'online', link: 2, roundTripMs: 9 })
  })

  it('that was replaced says nothing by its end', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.connect(anna, 2)
    scene.give(down(anna, 1))
    scene.give(down(anna, 1, 'left'))
    expect(scene.events()).toEqual(['anna up'])
  })

  it('that ends with a goodbye: offline at once', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.give(down(anna, 1, 'left'))
    expect(scene.events()).toEqual(['anna up', 'anna offline (left)'])
  })

  it('that is lost, to a peer that answers by datagram: never offline, and dialled all the same', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.give(down(anna, 1, 'silent'))
    scene.advance(200, ({ to, message }) => {
      if (to.equals(anna.id) && message?.type === 'ping')
        scene.packet(anna, { type: 'ack', sequence: message.sequence })
    })
    expect(scene.events()).toEqual(['anna up', 'anna checking (silent)', 'dial', 'anna up'])
    expect(scene.state.get(anna.id)).toMatchObject({ state: 'online', link: undefined })
    scene.connect(anna, 2)
    expect(scene.events()).toEqual([])
  })

  it('that is lost, refused twice: offline within 2 s, and others are told of the suspicion', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.meet(ben)
    scene.give(down(anna, 1))
    scene.advance(100)
    scene.give(failed(anna, 1))
    scene.advance(700)
    expect(scene.events()).toEqual(['anna up', 'ben up', 'anna checking (lost)', 'dial', 'dial'])
    scene.give(failed(anna, 2))
    scene.advance(1_000)
    expect(scene.events()).toEqual(['anna offline (unreachable)'])
    expect(scene.sent()).toContain('SUSPECT anna by self → ben')
    expect(scene.state.get(anna.id)?.detail).toBe('refused')
  })

  it('that is lost, while this side has no place for a dial: no verdict until it has', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.give(down(anna, 1))
    for (let check = 1; check <= 10; check++) {
      scene.advance(1_100)
      scene.give({ type: 'check-undecided', peer: anna.id, check })
    }
    expect(scene.stateOf(anna)).toBe('checking')
  })
})

describe('an accused peer with a connection', () => {
  it('is offline after 1.8 s, when a check of our own failed', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.meet(ben)
    scene.advance(100)
    scene.sent()
    scene.tell(ben, scene.say(SUSPECT, ben, 1, anna))
    scene.advance(1_790)
    const sent = scene.sent()
    expect(sent.filter((line) => line === 'ping anna').length).toBeGreaterThanOrEqual(3)
    // Its own accusation confirms the first one.
    expect(sent).toContain('SUSPECT anna by self → ben')
    expect(scene.events()).toEqual(['anna up', 'ben up', 'anna checking (suspected)', 'dial'])
    scene.give(failed(anna, 1))
    scene.advance(20)
    expect(scene.events()).toEqual(['anna offline (unreachable)'])
  })

  it('is online when it answers a dial, though its connection and datagrams go through a network that is lost', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.meet(ben)
    scene.advance(100)
    scene.tell(ben, scene.say(SUSPECT, ben, 1, anna))
    scene.advance(1_000)
    expect(scene.events()).toEqual(['anna up', 'ben up', 'anna checking (suspected)', 'dial'])
    scene.give({ type: 'heard', peer: anna.id, at: scene.now, by: 'stream' })
    scene.advance(1_010)
    expect(scene.events()).toEqual(['anna up'])
  })

  it('is not dialled when its connection answers', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.meet(ben)
    scene.advance(100)
    scene.tell(ben, scene.say(SUSPECT, ben, 1, anna))
    scene.advance(400)
    scene.give({ type: 'round-trip', peer: anna.id, link: 1, ms: 3 })
    scene.advance(1_500)
    expect(scene.events()).toEqual(['anna up', 'ben up', 'anna checking (suspected)', 'anna up'])
  })

  it('is never offline while its connection answers, whoever accuses it; after two checks its datagrams count as blocked', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.meet(ben, carla, dora)
    const answer = (): void => {
      scene.give({ type: 'round-trip', peer: anna.id, link: 1, ms: 3 })
    }
    for (let second = 0; second < 60; second++) {
      if (second % 7 === 0) {
        const accusations = [ben, carla, dora].map((one) => scene.say(SUSPECT, one, 1 + second, anna))
        for (const accusation of accusations) scene.tell(ben, accusation)
      }
      for (let step = 0; step < 10; step++) {
        scene.advance(100)
        answer()
      }
    }
    expect(scene.events().filter((line) => line.startsWith('anna offline'))).toEqual([])
    expect(scene.state.get(anna.id)).toMatchObject({ state: 'online', udpBlocked: true })
    scene.packet(anna, { type: 'ping', sequence: 1 })
    expect(scene.state.get(anna.id)?.udpBlocked).toBe(false)
  })

  it('whose datagrams are blocked is told of accusations over the connection', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.meet(ben)
    const answers = (ms: number): void => {
      for (let passed = 0; passed < ms; passed += 100) {
        scene.advance(100)
        scene.give({ type: 'round-trip', peer: anna.id, link: 1, ms: 3 })
      }
    }
    answers(10_000)
    expect(scene.state.get(anna.id)?.udpBlocked).toBe(true)
    scene.sent()
    const effects = scene.give({
      type: 'packet',
      from: ben.id,
      by: 'datagram',
      bytes: new Uint8Array([4, 0, 0, 0, 0, 0, 1, 135, ...scene.say(SUSPECT, ben, 1, anna).bytes]),
    })
    const sent = effects.find((effect) => effect.type === 'send' && effect.to.equals(anna.id))
    expect(sent).toMatchObject({ stream: true })
    // Pings go on by datagram, to see when that works again.
    const pings = scene.give({ type: 'ping', peer: anna.id }).filter(({ type }) => type === 'send')
    expect(pings).toMatchObject([{ stream: false }])
  })
})

describe('a goodbye', () => {
  it('is believed when its peer signed it, and passed on; what was under way before it brings nobody back', () => {
    const scene = new Scene()
    scene.meet(anna, ben, carla)
    scene.sent()
    scene.tell(ben, scene.say(LEAVE, anna, 1))
    expect(scene.events().at(-1)).toBe('anna offline (left)')
    expect(scene.sent()).toContain('LEAVE anna → carla')
    scene.packet(anna, { type: 'ack', sequence: 1 })
    scene.advance(100)
    expect(scene.state.noteHeard(anna.id, scene.now, 'datagram')).toBe(false)
    scene.give({ type: 'heard', peer: anna.id, at: scene.now, by: 'datagram' })
    expect(scene.events()).toEqual([])
    // The next run of it.
    scene.packet(anna, { type: 'ping', sequence: 1 }, [], 2)
    expect(scene.events()).toEqual(['anna back'])
  })

  it('counts once: a copy of it that comes after its peer is back takes nobody offline', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.meet(ben)
    scene.packet(anna, { type: 'ping', sequence: 1 })
    const goodbye = scene.say(LEAVE, anna, 1)
    scene.tell(ben, goodbye)
    scene.give(down(anna, 1, 'left'))
    scene.advance(2_000)
    scene.connect(anna, 2)
    scene.tell(ben, goodbye)
    expect(scene.events()).toEqual(['anna up', 'ben up', 'anna offline (left)', 'anna back'])
  })

  it('of an earlier run, sent again by a bad member, takes nobody offline to whom a connection stands', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.meet(ben)
    scene.sent()
    scene.tell(ben, scene.say(LEAVE, anna, 3))
    expect(scene.sent()).toEqual(['ping anna'])
    scene.packet(anna, { type: 'ack', sequence: 1 }, [], 7)
    scene.tell(ben, scene.say(LEAVE, anna, 4))
    expect(scene.events()).toEqual(['anna up', 'ben up'])
    scene.tell(ben, scene.say(LEAVE, anna, 7))
    expect(scene.events()).toEqual(['anna offline (left)'])
  })

  it('of our own goes to everybody with a connection and to eight more; nothing is said after it', () => {
    const people = Array.from({ length: 30 }, (_, index) => person(`p${index}`))
    const scene = new Scene({}, Math.random)
    scene.meet(...people.slice(5))
    people.slice(0, 5).forEach((one, index) => {
      scene.connect(one, index)
    })
    scene.sent()
    scene.give({ type: 'leave' })
    const told = scene.sent()
    expect(told.filter((line) => line.startsWith('LEAVE self'))).toHaveLength(13)
    for (let one = 0; one < 5; one++) expect(told).toContain(`LEAVE self → p${one}`)
    scene.packet(people[0] as Person, { type: 'ping', sequence: 1 })
    scene.advance(10_000)
    expect(scene.sent()).toEqual([])
  })
})

describe('an offline peer', () => {
  it('is looked for at 30 s, 1, 2, 5, 10, 10 … min, and forgotten after 24 h', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.give(down(anna, 1, 'left'))
    scene.events()
    let check = 0
    const dialledAt: number[] = []
    while (scene.now < DAY + MINUTE && scene.stateOf(anna) !== undefined) {
      scene.advance(500)
      if (!scene.events().includes('dial')) continue
      dialledAt.push(scene.now)
      scene.give(failed(anna, ++check))
    }
    const waits = dialledAt.map((at, index) => Math.round((at - (dialledAt[index - 1] ?? 0)) / 30_000) / 2)
    expect(waits.slice(0, 6)).toEqual([0.5, 1, 2, 5, 10, 10])
    expect(scene.now).toBeGreaterThanOrEqual(DAY)
    expect(scene.now).toBeLessThan(DAY + 2_000)
    expect(scene.state.size).toBe(0)
  })

  it('comes back by any sign of life, and is asked when its newer word comes by others', () => {
    const scene = new Scene({ quietMs: 60_000 })
    scene.meet(anna, ben)
    scene.tell(ben, scene.say(SUSPECT, ben, 1, anna))
    scene.advance(10_000)
    expect(scene.stateOf(anna)).toBe('offline')
    scene.events()
    scene.sent()
    // A replay of what is known (memberlist: DeadNode_AliveReplay), then a newer one.
    scene.tell(ben, scene.say(ALIVE, anna, 0))
    scene.advance(500)
    expect(scene.sent()).not.toContain('ping anna')
    scene.tell(ben, scene.say(ALIVE, anna, 9))
    scene.advance(500)
    expect(scene.events()).toEqual([])
    expect(scene.sent()).toContain('ping anna')
    scene.packet(anna, { type: 'ack', sequence: 1 }, [], 9)
    expect(scene.events()).toEqual(['anna back'])
  })
})

describe('a peer that had a connection and comes back by datagram', () => {
  it('is dialled at once, and stays online when that comes to nothing but it answers', () => {
    const scene = new Scene()
    scene.connect(anna, 1)
    scene.give(down(anna, 1, 'left'))
    scene.advance(5_000)
    scene.events()
    scene.packet(anna, { type: 'ping', sequence: 1 }, [], 2)
    scene.advance(200, ({ to, message }) => {
      if (message?.type === 'ping' && to.equals(anna.id)) scene.packet(anna, { type: 'ack', sequence: 1 }, [], 2)
    })
    expect(scene.events()).toEqual(['anna back', 'dial'])
    scene.give(failed(anna, 1))
    scene.advance(800)
    scene.give(failed(anna, 2))
    scene.advance(1_000)
    expect(scene.stateOf(anna)).toBe('online')
  })
})

describe('the table', () => {
  it('makes room by the peer that is offline longest, and never by one that is up', () => {
    const scene = new Scene({ maxPeers: 2 })
    scene.meet(anna, ben, carla)
    expect(scene.events()).toEqual(['anna up', 'ben up', 'refused'])
    scene.tell(anna, scene.say(LEAVE, ben, 1))
    scene.tell(anna, scene.say(LEAVE, anna, 1))
    scene.events()
    scene.meet(carla)
    expect(scene.events()).toEqual(['ben forgotten', 'carla up'])
  })

  it('answers pings of those it does not know, and heeds nothing else of theirs', () => {
    const scene = new Scene()
    scene.meet(anna)
    scene.packet(ben, { type: 'ping', sequence: 5 }, [scene.say(LEAVE, anna, 1)])
    expect(scene.lastTo(ben)?.message).toEqual({ type: 'ack', sequence: 5 })
    expect(scene.events()).toEqual(['anna up'])
  })

  it('refuses options that make no sense', () => {
    for (const limits of [
      { checkTimeoutMs: 0 },
      { maxPeers: Number.NaN },
      { recheckAfterMs: [] },
      { recheckAfterMs: [0] },
      { suspicionMinMs: 10_000 },
      { confirmations: 0 },
    ]) {
      expect(() => new Scene(limits)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    }
  })
})

it('keeps its promises whatever comes in, and in whatever order', () => {
  const everybody = [anna, ben, carla]
  const kinds = ['met', 'up', 'down', 'left', 'failed', 'undecided', 'round-trip', 'ping', 'heard', 'slept'] as const
  const statements = ['suspect', 'alive', 'leave', 'ack', 'ping-req'] as const
  const step = fc.record({
    who: fc.constantFrom(...everybody),
    about: fc.constantFrom(...everybody),
    kind: fc.constantFrom(...kinds, ...statements),
    number: fc.nat(6),
    pause: fc.oneof(fc.nat(500), fc.nat(20_000), fc.nat(DAY)),
    stall: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer(), (steps, seed) => {
      let drawn = seed
      const scene = new Scene({ maxPeers: 2 }, () => {
        drawn = (Math.imul(drawn, 1_103_515_245) + 12_345) >>> 0
        return drawn / 2 ** 32
      })
      const said = new Map<string, string>()
      for (const { who, about, kind, number, pause, stall } of steps) {
        if (stall) scene.stall(pause)
        else scene.advance(Math.min(pause, 30_000))
        const peer = who.id
        if (kind === 'met') scene.meet(who)
        else if (kind === 'up') scene.connect(who, number)
        else if (kind === 'down') scene.give(down(who, number))
        else if (kind === 'left') scene.give(down(who, number, 'left'))
        else if (kind === 'failed') scene.give(failed(who, number))
        else if (kind === 'undecided') scene.give({ type: 'check-undecided', peer, check: number })
        else if (kind === 'round-trip') scene.give({ type: 'round-trip', peer, link: number, ms: number })
        else if (kind === 'ping') scene.give({ type: 'ping', peer })
        else if (kind === 'heard') scene.give({ type: 'heard', peer, at: scene.now - number, by: 'stream' })
        else if (kind === 'slept') scene.give({ type: 'slept', ms: pause })
        else if (kind === 'suspect') scene.tell(who, scene.say(SUSPECT, who, number, about))
        else if (kind === 'alive') scene.tell(who, scene.say(ALIVE, about, number))
        else if (kind === 'leave') scene.tell(who, scene.say(LEAVE, about, number))
        else if (kind === 'ack') scene.packet(who, { type: 'ack', sequence: number }, [], number)
        else
          scene.packet(who, { type: 'ping-req', sequence: 1, target: Buffer.from(about.id.bytes).toString('latin1') })
        for (const line of scene.events()) {
          const [name = '', what = ''] = line.split(' ')
          if (!['up', 'checking', 'offline', 'back', 'forgotten'].includes(what)) continue
          const next: Record<string, readonly string[]> = {
            forgotten: ['up'],
            up: ['checking', 'offline'],
            checking: ['up', 'offline'],
            offline: ['back', 'forgotten'],
            back: ['checking', 'offline'],
          }
          expect(next[said.get(name) ?? 'forgotten']).toContain(what)
          said.set(name, what)
        }
        expect(scene.state.size).toBeLessThanOrEqual(2)
        for (const one of scene.state.all()) expect(one.reason === undefined).toBe(one.state === 'online')
      }
    }),
    { numRuns: 200 },
  )
})
