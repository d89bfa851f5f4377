import { describe, expect, it } from 'vitest'
import type { CloseCode } from './close-code.js'
import { type PairEffect, type PairInput, PairState } from './pair-state.js'

const dialStarted: PairInput = { type: 'dial-started' }
const dialEnded: PairInput = { type: 'dial-ended' }
const dialLost: PairInput = { type: 'dial-lost' }
const holdExpired: PairInput = { type: 'hold-expired' }
const dialled = (link: number): PairInput => ({ type: 'established', link, dialledHere: true })
const accepted = (link: number): PairInput => ({ type: 'established', link, dialledHere: false })
const pong = (link: number, probe: number): PairInput => ({ type: 'pong', link, probe })
const goAway = (link: number, code: CloseCode = 'DUPLICATE'): PairInput => ({ type: 'goaway', link, code })
const ended = (link: number): PairInput => ({ type: 'ended', link })

/** Effects as short lines. */
function lines(effects: PairEffect[]): string[] {
  return effects.map((effect) => {
    if (effect.type === 'down') return 'down'
    if (effect.type === 'probe') return `probe ${effect.link} as ${effect.probe}`
    return 'code' in effect ? `${effect.type} ${effect.link} ${effect.code}` : `${effect.type} ${effect.link}`
  })
}

/** Each input with the effects it must have, and the connections whose frames wait after it. */
function script(state: PairState, steps: [input: PairInput, expected: string[], held?: number[]][]): void {
  steps.forEach(([input, expected, held = []], index) => {
    const step = `step ${index + 1}: ${input.type}`
    expect(lines(state.handle(input)), step).toEqual(expected)
    expect(
      [1, 2, 3].filter((link) => state.holds(link)),
      `${step}: held`,
    ).toEqual(held)
  })
}

const smaller = (): PairState => new PairState(true)
const larger = (): PairState => new PairState(false)

describe('PairState', () => {
  it('uses the one connection there is, until it ends', () => {
    for (const state of [smaller(), larger()]) {
      expect([state.current, state.size]).toEqual([undefined, 0])
      script(state, [
        [dialStarted, []],
        [dialled(1), ['use 1']],
        [dialEnded, []],
      ])
      expect([state.current, state.size]).toEqual([1, 1])
      script(state, [[ended(1), ['down']]])
      expect([state.current, state.size]).toEqual([undefined, 0])
    }
  })

  it('answers a GOAWAY with its own, and is down then, for good', () => {
    const state = smaller()
    script(state, [
      [accepted(1), ['use 1']],
      [goAway(1, 'SHUTTING_DOWN'), ['answer 1 SHUTTING_DOWN', 'down']],
      [ended(1), []],
      [accepted(2), []],
      [holdExpired, []],
    ])
    expect([state.current, state.size]).toEqual([undefined, 0])
  })

  it('ignores what it hears of connections it does not have', () => {
    script(smaller(), [
      [goAway(1), []],
      [ended(1), []],
      [pong(1, 1), []],
      [accepted(2), ['use 2']],
      [goAway(1), []],
      [ended(1), []],
      [pong(2, 1), []],
    ])
  })

  describe('with the smaller id, of two simultaneous dials', () => {
    it('probes its own, retires the other, and holds its own until the other is through', () => {
      const state = smaller()
      script(state, [
        [dialStarted, []],
        [accepted(1), ['use 1']],
        [dialled(2), ['probe 2 as 1'], [2]],
        [pong(2, 1), ['retire 1 DUPLICATE', 'use 2'], [2]],
        [pong(2, 1), [], [2]],
        [goAway(1), ['finish 1 DUPLICATE', 'release 2']],
        [ended(1), []],
      ])
      expect([state.current, state.size]).toEqual([2, 1])
    })

    it('prefers its own also when that came first', () => {
      script(smaller(), [
        [dialStarted, []],
        [dialled(1), ['use 1']],
        [accepted(2), ['probe 1 as 1'], [1]],
        [pong(1, 1), ['retire 2 DUPLICATE'], [1]],
        [goAway(2), ['finish 2 DUPLICATE', 'release 1']],
        [ended(2), []],
      ])
    })

    it('believes only the pong of the probe under way', () => {
      script(smaller(), [
        [accepted(1), ['use 1']],
        [dialled(2), ['probe 2 as 1'], [2]],
        [pong(1, 1), [], [2]],
        [pong(2, 2), [], [2]],
        [pong(2, 1), ['retire 1 DUPLICATE', 'use 2'], [2]],
      ])
    })

    it('retires nothing that the other side has left already', () => {
      script(smaller(), [
        [accepted(1), ['use 1']],
        [dialled(2), ['probe 2 as 1'], [2]],
        [goAway(1), ['answer 1 DUPLICATE', 'use 2', 'release 2']],
        [pong(2, 1), []],
        [ended(1), []],
      ])
    })
  })

  describe('with the larger id, of two simultaneous dials', () => {
    it('leaves the decision to the other side, and goes over when that retires its own', () => {
      const state = larger()
      script(state, [
        [dialStarted, []],
        [dialled(1), ['use 1']],
        [accepted(2), [], [2]],
        [goAway(1), ['answer 1 DUPLICATE', 'use 2', 'release 2']],
        [ended(1), []],
      ])
      expect([state.current, state.size]).toEqual([2, 1])
    })

    it('holds the accepted one while its own dial may still bring frames that come first', () => {
      script(larger(), [
        [dialStarted, []],
        [accepted(1), ['use 1'], [1]],
        [dialEnded, ['release 1']],
      ])
      script(larger(), [
        [dialStarted, []],
        [accepted(1), ['use 1'], [1]],
        [dialled(2), [], [1]],
        [dialEnded, [], [1]],
        [goAway(2), ['answer 2 DUPLICATE', 'release 1']],
      ])
      // The smaller id's own dial is preferred anyway: nothing to wait for.
      script(smaller(), [
        [dialStarted, []],
        [accepted(1), ['use 1']],
      ])
    })
  })

  describe('ends as a whole, and delivers nothing more', () => {
    for (const [which, start] of [
      ['the smaller id', smaller],
      ['the larger id', larger],
    ] as const) {
      // The probe that the smaller id sends is not what matters here.
      const down = (...inputs: PairInput[]): string[] => {
        const state = start()
        const effects = inputs.flatMap((input) => lines(state.handle(input)))
        expect([state.current, state.size, state.holds(1), state.holds(2)]).toEqual([undefined, 0, false, false])
        return effects.filter((line) => !line.startsWith('use') && !line.startsWith('probe'))
      }

      it(`for ${which}: when one of two connections ends without GOAWAY, whichever it is`, () => {
        for (const end of [ended(1), ended(2)]) {
          expect(down(dialled(1), accepted(2), end)).toEqual(['down'])
          expect(down(accepted(1), dialled(2), end)).toEqual(['down'])
        }
      })

      it(`for ${which}: when frames were held for too long`, () => {
        expect(down(dialled(1), accepted(2), holdExpired)).toEqual(['down'])
      })

      it(`for ${which}: when a dial is lost that may be one of the pair for the other side`, () => {
        expect(down(dialStarted, accepted(1), dialLost)).toEqual(['down'])
      })

      it(`for ${which}: with a GOAWAY that is not about a duplicate`, () => {
        expect(down(dialled(1), accepted(2), goAway(1, 'BUSY'))).toEqual(['answer 1 BUSY', 'down'])
        expect(down(dialled(1), accepted(2), goAway(2, 'LEAVING'))).toEqual(['answer 2 LEAVING', 'down'])
      })

      it(`for ${which}: with DUPLICATE on the connection that was to stay`, () => {
        const stays = start === smaller ? 1 : 2
        expect(down(dialled(1), accepted(2), goAway(stays))).toEqual([`answer ${stays} DUPLICATE`, 'down'])
      })
    }

    it('when the retired one ends without its GOAWAY, although the other works', () => {
      script(smaller(), [
        [accepted(1), ['use 1']],
        [dialled(2), ['probe 2 as 1'], [2]],
        [pong(2, 1), ['retire 1 DUPLICATE', 'use 2'], [2]],
        [ended(1), ['down']],
      ])
    })

    it('when the preferred one ends before its pong', () => {
      script(smaller(), [
        [accepted(1), ['use 1']],
        [dialled(2), ['probe 2 as 1'], [2]],
        [ended(2), ['down']],
        [pong(2, 1), []],
      ])
    })

    it('but not with a dial that is lost once it is part of the pair, or when none was under way', () => {
      script(larger(), [
        [dialStarted, []],
        [dialled(1), ['use 1']],
        [dialLost, []],
        [accepted(2), [], [2]],
        [dialLost, [], [2]],
      ])
    })
  })
})
