import { SeededRandom } from '@pc/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnnouncementBody } from './announcement.js'
import { DiscoveryState, type Effect, EPOCH_MS, type Input } from './state.js'

const FROM = { host: '192.0.2.7', port: 50_000 }

/** A state with middling chance: jitter 25 ms, no spread. */
function create(): DiscoveryState {
  const random = new SeededRandom(1)
  return new DiscoveryState({ random: { float: () => 0.5, bytes: (length) => random.bytes(length) } })
}

function heard(bootId: string, changes: Partial<AnnouncementBody> = {}): Input {
  const body = {
    wantsAnswers: true,
    blindedId: new Uint8Array(8).fill(7),
    epoch: 5,
    port: 3_485,
    estimate: 0,
    nonce: new Uint8Array(8).fill(9),
    ...changes,
  }
  return { type: 'heard', body, bootId, from: FROM, interfaceName: 'eth0' }
}

/** Fires the timers due until `until` and tells what came of them, with the time. */
function run(state: DiscoveryState, until: number): [number, Effect][] {
  const effects: [number, Effect][] = []
  while (state.wakeAt <= until) {
    const now = state.wakeAt
    for (const effect of state.handle({ type: 'timer' }, now)) effects.push([now, effect])
  }
  return effects
}

function timesOf(effects: [number, Effect][], type: Effect['type']): number[] {
  return effects.filter(([, effect]) => effect.type === type).map(([now]) => now)
}

describe('DiscoveryState', () => {
  it('does nothing before its start', () => {
    expect(create().wakeAt).toBe(Number.POSITIVE_INFINITY)
  })

  it('announces by its schedule, with a fresh nonce each time', () => {
    const state = create()
    state.handle({ type: 'start' }, 0)
    expect(state.phase).toBe('active')
    const effects = run(state, 62_000)
    expect(timesOf(effects, 'announce')).toEqual([25, 275, 775, 1_775, 3_775, 7_775, 15_775, 31_775, 61_775])
    expect(state.phase).toBe('passive')
    const nonces = effects.map(([, effect]) => (effect.type === 'announce' ? String(effect.nonce) : ''))
    expect(new Set(nonces).size).toBe(9)
  })

  it('counts its epoch up every 10 minutes, and past 32 bits from 0', () => {
    const state = new DiscoveryState({
      random: { float: () => 1 - 2 ** -40, bytes: (length) => new Uint8Array(length) },
    })
    state.handle({ type: 'start' }, 500)
    const epochs = run(state, EPOCH_MS * 2 + 40_000).map(([now, effect]) => [now, 'epoch' in effect ? effect.epoch : 0])
    const at = (now: number): number | undefined => epochs.find(([time = 0]) => time >= now)?.[1]
    expect([at(0), at(EPOCH_MS + 501), at(2 * EPOCH_MS + 501)]).toEqual([0xffff_ffff, 0, 1])
  })

  it('answers an announcement, to its source and the port it carries, with its nonce', () => {
    const state = create()
    state.handle({ type: 'connected', bootId: 'friend' }, 0)
    const nonce = new Uint8Array(8).fill(3)
    expect(state.handle(heard('stranger', { nonce, port: 4_000 }), 100)).toEqual([])
    const [answer] = run(state, 500)
    expect(answer).toEqual([
      expect.closeTo(110, 1),
      { type: 'answer', to: { host: '192.0.2.7', port: 4_000 }, epoch: expect.any(Number), estimate: 1, nonce },
    ])
  })

  it('gives a hint of an announcement a second later, unless connected by then', () => {
    const state = create()
    state.handle(heard('a'), 0)
    state.handle(heard('b', { port: 4_000 }), 0)
    state.handle({ type: 'connected', bootId: 'b' }, 900)
    const hints = run(state, 5_000).filter(([, effect]) => effect.type === 'hint')
    expect(hints).toEqual([
      [
        1_125,
        {
          type: 'hint',
          hint: {
            bootId: 'a',
            address: { host: '192.0.2.7', port: 3_485 },
            blindedId: new Uint8Array(8).fill(7),
            epoch: 5,
            source: 'announcement',
            interfaceName: 'eth0',
          },
        },
      ],
    ])
  })

  it('gives a hint of an announcement soon, when it was not answered for the limits', () => {
    const state = create()
    for (let port = 1; port <= 11; port++) state.handle(heard(`boot ${port}`, { port }), 0)
    expect(state.counters.answersLimited).toBe(1)
    expect(timesOf(run(state, 2_000), 'hint')).toEqual([175, ...Array<number>(10).fill(1_125)])
  })

  describe('answers to its own announcements', () => {
    function announced(): { state: DiscoveryState; nonce: Uint8Array } {
      const state = create()
      state.handle({ type: 'start' }, 0)
      const [first] = run(state, 30)
      if (first?.[1].type !== 'announce') throw new Error('expected an announcement')
      return { state, nonce: first[1].nonce }
    }

    it('are hints at once', () => {
      const { state, nonce } = announced()
      expect(state.handle(heard('a', { wantsAnswers: false, nonce }), 60)).toMatchObject([
        { type: 'hint', hint: { bootId: 'a', source: 'answer', address: { host: '192.0.2.7', port: 3_485 } } },
      ])
    })

    it('are believed for 5 s', () => {
      const { state, nonce } = announced()
      expect(state.handle(heard('a', { wantsAnswers: false, nonce }), 5_025)).toHaveLength(1)
      expect(state.handle(heard('b', { wantsAnswers: false, nonce }), 5_026)).toEqual([])
      expect(state.counters.answersUnasked).toBe(1)
    })

    it('are believed for the latest 16 announcements only, so that what is remembered stays small', () => {
      const state = create()
      state.handle({ type: 'start' }, 0)
      const nonces: Uint8Array[] = []
      let now = 0
      while (nonces.length < 17) {
        for (const [at, effect] of run(state, now + 250)) {
          if (effect.type === 'announce') nonces.push(effect.nonce)
          now = at
        }
        state.handle({ type: 'interfaces-changed' }, now)
      }
      expect(now).toBeLessThan(5_000)
      const answer = (bootId: string, nonce: Uint8Array = new Uint8Array(8)) =>
        state.handle(heard(bootId, { wantsAnswers: false, nonce }), now)
      expect(answer('a', nonces[0])).toEqual([])
      expect(state.counters).toMatchObject({ answersUnasked: 1, hints: 0 })
      expect(answer('b', nonces[1])).toHaveLength(1)
      expect(answer('c', nonces[16])).toHaveLength(1)
      expect(state.counters).toMatchObject({ answersUnasked: 1, hints: 2 })
    })

    it('are not believed without our nonce, and are never answered', () => {
      const { state } = announced()
      expect(state.handle(heard('a', { wantsAnswers: false }), 60)).toEqual([])
      expect(state.counters.answersUnasked).toBe(1)
      expect(run(state, 2_000).map(([, effect]) => effect.type)).toEqual(['announce', 'announce', 'announce'])
    })

    it('of boots that are connected are no hints', () => {
      const { state, nonce } = announced()
      state.handle({ type: 'connected', bootId: 'a' }, 50)
      expect(state.handle(heard('a', { wantsAnswers: false, nonce }), 60)).toEqual([])
    })
  })

  it('announces more rarely once connected', () => {
    const state = create()
    state.handle({ type: 'start' }, 0)
    run(state, 8_000)
    state.handle({ type: 'connected', bootId: 'a' }, 8_000)
    expect(timesOf(run(state, 200_000), 'announce')).toEqual([15_775, 31_775, 91_775, 151_775])
  })

  it('searches anew when the interfaces change', () => {
    const state = create()
    state.handle({ type: 'start' }, 0)
    run(state, 20_000)
    state.handle({ type: 'interfaces-changed' }, 20_000)
    expect(state.phase).toBe('active')
    expect(timesOf(run(state, 21_000), 'announce')).toEqual([20_025, 20_275, 20_775])
  })

  it('searches anew when the last connection ends, and only then', () => {
    const state = create()
    state.handle({ type: 'start' }, 0)
    for (const bootId of ['a', 'b']) state.handle({ type: 'connected', bootId }, 10)
    run(state, 40_000)
    state.handle({ type: 'disconnected', bootId: 'never' }, 40_000)
    state.handle({ type: 'disconnected', bootId: 'a' }, 40_000)
    expect(state.phase).toBe('passive')
    state.handle({ type: 'disconnected', bootId: 'b' }, 41_000)
    expect(timesOf(run(state, 41_500), 'announce')).toEqual([41_025, 41_275])
  })

  it('property: whatever comes, answers and announcements keep their distance', () => {
    const step = fc.record({
      gap: fc.integer({ min: 0, max: 400 }),
      kind: fc.constantFrom('ask', 'ask', 'ask', 'answer', 'connected', 'disconnected', 'interfaces'),
      boot: fc.integer({ min: 0, max: 5 }),
      port: fc.integer({ min: 1, max: 40 }),
    })
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 200 }), (seed, steps) => {
        const state = new DiscoveryState({ random: new SeededRandom(seed) })
        const all: [number, Effect][] = []
        let nonce = new Uint8Array(8)
        let now = 0
        const note = (effects: [number, Effect][]): void => {
          for (const [at, effect] of effects) {
            all.push([at, effect])
            if (effect.type === 'announce') nonce = Uint8Array.from(effect.nonce)
          }
        }
        state.handle({ type: 'start' }, 0)
        for (const { gap, kind, boot, port } of steps) {
          note(run(state, now + gap))
          now += gap
          const bootId = `boot ${boot}`
          if (kind === 'ask') state.handle(heard(bootId, { port }), now)
          else if (kind === 'answer') {
            const effects = state.handle(heard(bootId, { port, wantsAnswers: false, nonce }), now)
            note(effects.map((effect) => [now, effect]))
          } else if (kind === 'interfaces') state.handle({ type: 'interfaces-changed' }, now)
          else state.handle({ type: kind as 'connected' | 'disconnected', bootId }, now)
        }
        note(run(state, now + 10_000))
        // Granted within one second, given within 20.25 ms after.
        const answers = timesOf(all, 'answer')
        for (const from of answers) {
          expect(answers.filter((at) => at >= from && at < from + 950).length).toBeLessThanOrEqual(10)
        }
        const announcements = timesOf(all, 'announce')
        for (const [index, at] of announcements.entries()) {
          expect(at - (announcements[index - 1] ?? -250)).toBeGreaterThanOrEqual(249.999)
        }
        expect(state.sightings).toBeLessThanOrEqual(6)
      }),
    )
  })
})
