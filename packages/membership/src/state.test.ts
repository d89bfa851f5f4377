import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Person, person } from '../test/_util/people.js'
import { type Effect, type Input, MembershipState } from './state.js'

const [anna, ben, carla] = ['anna', 'ben', 'carla'].map((name) => person(name)) as [Person, Person, Person]
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** Half of every random wait. */
const half = { random: () => 0.5 }

function up(who: Person, link: number): Input {
  return { type: 'connected', peer: who.id, link, record: who.record }
}
function down(who: Person, link: number, reason: 'lost' | 'silent' | 'left' = 'lost', lastHeardAt = 0): Input {
  return { type: 'disconnected', peer: who.id, link, lastHeardAt, reason, detail: 'why' }
}
function failed(who: Person, check: number): Input {
  return { type: 'check-failed', peer: who.id, check, detail: 'refused' }
}
const wake = (who: Person): Input => ({ type: 'wake', peer: who.id })

/** Effects as short lines. */
function lines(effects: Effect[]): string[] {
  return effects.map((effect) => {
    if (effect.type === 'emit') {
      const { event } = effect
      return 'reason' in event ? `${event.type} (${event.reason})` : event.type
    }
    if (effect.type === 'check') return `check ${effect.check} for ${effect.timeoutMs}`
    if (effect.type === 'wake') return `wake in ${effect.after}`
    return effect.type
  })
}

/** A conversation with a fresh state: each input with its time, and the effects it must have. */
function script(state: MembershipState, steps: [now: number, input: Input, expected: string[]][]): void {
  steps.forEach(([now, input, expected], index) => {
    expect(lines(state.handle(input, now)), `step ${index + 1}: ${input.type}`).toEqual(expected)
  })
}

describe('MembershipState', () => {
  it('up: a control connection makes a peer online, once', () => {
    const state = new MembershipState(half)
    script(state, [
      [100, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [200, up(anna, 1), []],
    ])
    expect(state.get(anna.id)).toMatchObject({ state: 'online', since: 100, link: 1, reason: undefined })
    expect(state.get(ben.id)).toBeUndefined()
  })

  it('left: a goodbye is believed at once, without a check', () => {
    const state = new MembershipState(half)
    script(state, [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [500, down(anna, 1, 'left', 499), ['offline (left)', 'wake in 30000']],
    ])
    expect(state.get(anna.id)).toMatchObject({ state: 'offline', since: 500, lastSeenAt: 499, reason: 'left' })
  })

  it('lost, and found by the first check: never offline', () => {
    const state = new MembershipState(half)
    script(state, [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [500, down(anna, 1, 'silent'), ['checking (silent)', 'wake in 75']],
      [575, wake(anna), ['check 1 for 2000']],
      [580, up(anna, 2), ['up', 'measure', 'wake in 30000']],
      [581, failed(anna, 1), []],
    ])
    expect(state.get(anna.id)).toMatchObject({ state: 'online', since: 580, reason: undefined, detail: undefined })
  })

  it('lost, refused twice: offline within a second', () => {
    script(new MembershipState(half), [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [500, down(anna, 1), ['checking (lost)', 'wake in 75']],
      [575, wake(anna), ['check 1 for 2000']],
      [577, failed(anna, 1), ['wake in 625']],
      [1_202, wake(anna), ['check 2 for 1373']],
      [1_204, failed(anna, 2), ['offline (unreachable)', 'wake in 30000']],
    ])
  })

  it('lost, silence: one try takes the whole time of the check, and that is the verdict', () => {
    script(new MembershipState(half), [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [500, down(anna, 1), ['checking (lost)', 'wake in 75']],
      [575, wake(anna), ['check 1 for 2000']],
      [2_575, failed(anna, 1), ['offline (unreachable)', 'wake in 30000']],
    ])
  })

  it('tries again only when the second try has some time left', () => {
    const lost: [number, Input, string[]][] = [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [500, down(anna, 1), ['checking (lost)', 'wake in 75']],
      [575, wake(anna), ['check 1 for 2000']],
    ]
    script(new MembershipState(half), [...lost, [1_949, failed(anna, 1), ['wake in 625']]])
    script(new MembershipState(half), [...lost, [1_950, failed(anna, 1), ['offline (unreachable)', 'wake in 30000']]])
  })

  it('allows a check to end one second late before it suspects itself', () => {
    const lost: [number, Input, string[]][] = [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [500, down(anna, 1), ['checking (lost)', 'wake in 75']],
      [575, wake(anna), ['check 1 for 2000']],
    ]
    script(new MembershipState(half), [...lost, [3_575, failed(anna, 1), ['offline (unreachable)', 'wake in 30000']]])
    script(new MembershipState(half), [...lost, [3_576, failed(anna, 1), ['wake in 75']]])
  })

  it('suspects itself first: a check that ends long after its time is repeated', () => {
    script(new MembershipState(half), [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [500, down(anna, 1, 'silent'), ['checking (silent)', 'wake in 75']],
      [575, wake(anna), ['check 1 for 2000']],
      [600_000, failed(anna, 1), ['wake in 75']],
      [600_075, wake(anna), ['check 2 for 2000']],
      [602_075, failed(anna, 2), ['offline (unreachable)', 'wake in 30000']],
    ])
  })

  it('makes a check again that could not be made here: that says nothing about the peer', () => {
    const state = new MembershipState(half)
    const undecided = (check: number): Input => ({ type: 'check-undecided', peer: anna.id, check })
    script(state, [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [1_000, down(anna, 1), ['checking (lost)', 'wake in 75']],
      [1_075, wake(anna), ['check 1 for 2000']],
      [1_076, undecided(1), ['wake in 1000']],
      [2_076, wake(anna), ['check 2 for 2000']],
      [2_077, undecided(1), []],
      [2_078, undecided(2), ['wake in 1000']],
      [3_078, wake(anna), ['check 3 for 2000']],
      [3_079, failed(anna, 3), ['wake in 625']],
      [3_704, wake(anna), ['check 4 for 1374']],
      [3_705, failed(anna, 4), ['offline (unreachable)', 'wake in 30000']],
      [33_705, wake(anna), ['check 5 for 2000']],
      [33_706, undecided(5), ['wake in 60000']],
    ])
  })

  it('re-checks at 30 s, 1, 2, 5, 10, 10 … min, and comes back by any connection', () => {
    const state = new MembershipState(half)
    state.handle(up(anna, 1), 0)
    let effects = state.handle(down(anna, 1, 'left'), 0)
    let now = 0
    const waits: number[] = []
    for (let check = 1; check <= 7; check++) {
      const effect = effects.at(-1)
      if (effect?.type !== 'wake') throw new Error('no wake was asked for')
      waits.push(effect.after)
      now += effect.after
      expect(lines(state.handle(wake(anna), now))).toEqual([`check ${check} for 2000`])
      now += 2_000
      effects = state.handle(failed(anna, check), now)
    }
    expect(waits).toEqual([0.5, 1, 2, 5, 10, 10, 10].map((minutes) => minutes * MINUTE))
    expect(lines(state.handle(up(anna, 2), now))).toEqual(['back', 'measure', 'wake in 30000'])
    expect(lines(state.handle(down(anna, 2, 'left'), now))).toEqual(['offline (left)', 'wake in 30000'])
  })

  it('varies re-checks by a fifth in both directions', () => {
    for (const [random, wait] of [
      [0, 24_000],
      [0.999_999, 36_000],
    ] as const) {
      const state = new MembershipState({ random: () => random })
      state.handle(up(anna, 1), 0)
      const effect = state.handle(down(anna, 1, 'left'), 0).at(-1)
      expect(effect?.type === 'wake' && Math.round(effect.after)).toBe(wait)
    }
  })

  it('forgets an offline peer after 24 h, at the exact moment', () => {
    const state = new MembershipState({ ...half, recheckAfterMs: [DAY - 1_000] })
    script(state, [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [5, down(anna, 1, 'left'), ['offline (left)', `wake in ${DAY - 1_000}`]],
      [DAY - 995, wake(anna), ['check 1 for 2000']],
      [DAY - 990, failed(anna, 1), ['wake in 995']],
      [DAY + 5, wake(anna), ['sleep', 'forgotten']],
      [DAY + 6, wake(anna), []],
    ])
    expect(state.size).toBe(0)
    expect(lines(state.handle(up(anna, 9), DAY + 7))).toEqual(['up', 'measure', 'wake in 30000'])
  })

  it('counts the 24 h from the moment a peer went offline, not from the start', () => {
    const state = new MembershipState(half)
    script(state, [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [5 * DAY, down(anna, 1, 'left'), ['offline (left)', 'wake in 30000']],
      [5 * DAY + 30_000, wake(anna), ['check 1 for 2000']],
      [5 * DAY + 30_001, failed(anna, 1), ['wake in 60000']],
      [6 * DAY - 1, wake(anna), ['check 2 for 2000']],
      [6 * DAY - 1, failed(anna, 2), ['wake in 1']],
      [6 * DAY, wake(anna), ['sleep', 'forgotten']],
    ])
  })

  it('does not care about the end of a connection that was replaced', () => {
    const state = new MembershipState(half)
    script(state, [
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [10, up(anna, 2), ['measure', 'wake in 30000']],
      [11, down(anna, 1), []],
      [12, down(anna, 1, 'left'), []],
    ])
    expect(state.get(anna.id)).toMatchObject({ state: 'online', since: 0, link: 2 })
  })

  it('ignores what comes too late or about nobody', () => {
    script(new MembershipState(half), [
      [0, down(anna, 1), []],
      [0, wake(anna), []],
      [0, failed(anna, 1), []],
      [0, up(anna, 1), ['up', 'measure', 'wake in 30000']],
      [1, failed(anna, 1), []],
      [2, down(anna, 1), ['checking (lost)', 'wake in 75']],
      [77, wake(anna), ['check 1 for 2000']],
      [78, wake(anna), []],
      [79, failed(anna, 7), []],
    ])
  })

  it('keeps the newest record', () => {
    const state = new MembershipState(half)
    const newer = person('anna', 5)
    state.handle(up(newer, 1), 0)
    state.handle({ ...up(anna, 2), type: 'connected', link: 2, record: anna.record, peer: anna.id }, 1)
    expect(state.get(anna.id)?.record.sequence).toBe(5)
  })

  it('smooths round trips of the present connection, and measures again', () => {
    const state = new MembershipState(half)
    state.handle(up(anna, 1), 0)
    state.handle({ type: 'round-trip', peer: anna.id, link: 1, ms: 8 }, 1)
    state.handle({ type: 'round-trip', peer: anna.id, link: 1, ms: 16 }, 2)
    state.handle({ type: 'round-trip', peer: anna.id, link: 7, ms: 1_000 }, 3)
    expect(state.get(anna.id)?.roundTripMs).toBe(9)
    expect(lines(state.handle(wake(anna), 30_000))).toEqual(['measure', 'wake in 30000'])
  })

  it('makes room in a full table by the peer that is offline longest, and never by one that is up', () => {
    const state = new MembershipState({ ...half, maxPeers: 2 })
    state.handle(up(anna, 1), 0)
    state.handle(up(ben, 2), 0)
    expect(lines(state.handle(up(carla, 3), 1))).toEqual(['refused'])
    state.handle(down(ben, 2, 'left'), 2)
    state.handle(down(anna, 1, 'left'), 3)
    const effects = state.handle(up(carla, 3), 4)
    expect(lines(effects)).toEqual(['sleep', 'forgotten', 'up', 'measure', 'wake in 30000'])
    expect([...state.all()].map((status) => status.record.name)).toEqual(['anna', 'carla'])
  })

  it('does not take a peer that came back, or was forgotten, for one that can make room', () => {
    const back = new MembershipState({ ...half, maxPeers: 2 })
    back.handle(up(anna, 1), 0)
    back.handle(down(anna, 1, 'left'), 1)
    back.handle(up(anna, 2), 2)
    back.handle(up(ben, 3), 3)
    expect(lines(back.handle(up(carla, 4), 4))).toEqual(['refused'])

    const forgotten = new MembershipState({ ...half, maxPeers: 1, forgetAfterMs: 10 })
    forgotten.handle(up(anna, 1), 0)
    forgotten.handle(down(anna, 1, 'left'), 1)
    expect(lines(forgotten.handle(wake(anna), 11))).toEqual(['sleep', 'forgotten'])
    forgotten.handle(up(ben, 2), 12)
    forgotten.handle(down(ben, 2, 'left'), 13)
    expect(lines(forgotten.handle(up(carla, 3), 14))).toEqual(['sleep', 'forgotten', 'up', 'measure', 'wake in 30000'])
  })

  it('refuses options that make no sense', () => {
    for (const limits of [
      { checkTimeoutMs: 0 },
      { maxPeers: Number.NaN },
      { recheckAfterMs: [] },
      { recheckAfterMs: [0] },
    ]) {
      expect(() => new MembershipState({ ...half, ...limits })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
    }
  })

  it('keeps its promises whatever comes in, and in whatever order', () => {
    const everybody = [anna, ben, carla]
    const step = fc.record({
      who: fc.constantFrom(...everybody),
      kind: fc.constantFrom('up', 'down', 'left', 'failed', 'stale failed', 'wake', 'round-trip'),
      stale: fc.boolean(),
      pause: fc.oneof(fc.nat(500), fc.nat(DAY)),
    })
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (steps, chance) => {
          const state = new MembershipState({ random: () => chance.next().value ?? 0, maxPeers: 2 })
          const said = new Map<string, string>()
          const awake = new Set<string>()
          const links = new Map<string, number>()
          const checks = new Map<string, number>()
          let lastLink = 0
          let now = 0
          for (const { who, kind, stale, pause } of steps) {
            now += pause
            const name = who.record.name
            const check = checks.get(name) ?? 0
            const link = stale ? 0 : (links.get(name) ?? 0)
            const input: Input =
              kind === 'up'
                ? up(who, ++lastLink)
                : kind === 'down'
                  ? down(who, link)
                  : kind === 'left'
                    ? down(who, link, 'left')
                    : kind === 'failed'
                      ? failed(who, check)
                      : kind === 'stale failed'
                        ? failed(who, check - 1)
                        : kind === 'wake'
                          ? wake(who)
                          : { type: 'round-trip', peer: who.id, link, ms: 1 }
            for (const effect of state.handle(input, now)) {
              const about = everybody.find((one) =>
                one.id.equals(effect.type === 'emit' ? effect.event.peer : effect.peer),
              )
              const key = about?.record.name ?? ''
              if (effect.type === 'emit') {
                // What a subscriber sees is a path through the diagram.
                const before = said.get(key) ?? 'forgotten'
                const next = {
                  forgotten: ['up'],
                  up: ['checking', 'offline'],
                  checking: ['up', 'offline'],
                  offline: ['back', 'forgotten'],
                  back: ['checking', 'offline'],
                }[before]
                expect(next).toContain(effect.event.type)
                said.set(key, effect.event.type)
              } else if (effect.type === 'wake') {
                expect(effect.after).toBeGreaterThanOrEqual(0)
                awake.add(key)
              } else if (effect.type === 'sleep') awake.delete(key)
              else if (effect.type === 'check') checks.set(key, effect.check)
            }
            const status = state.get(who.id)
            if (kind === 'up' && status !== undefined) links.set(name, lastLink)
            if ((kind === 'down' || kind === 'left') && !stale) links.delete(name)
            expect(state.size).toBeLessThanOrEqual(2)
            for (const one of state.all()) {
              expect(one.link !== undefined).toBe(one.state === 'online')
              expect(one.reason === undefined).toBe(one.state === 'online')
              // Nobody in the table is without a timer for ever.
              expect(awake.has(one.record.name)).toBe(true)
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})
