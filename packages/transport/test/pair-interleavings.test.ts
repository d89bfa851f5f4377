import { describe, expect, test } from 'vitest'
import {
  openStreams,
  type Scenario,
  type Side,
  type Step,
  startOf,
  stateOf,
  stepsOf,
  take,
  type World,
} from './_util/pair-model.js'

/** Walks through every order of events, and hands each final world to `check`. */
function explore(scenario: Scenario, check: (end: World) => void): { worlds: number; ends: number } {
  const seen = new Set<string>()
  let ends = 0
  const walk = (world: World, path: Step[]): void => {
    const key = JSON.stringify(world)
    if (seen.has(key)) return
    seen.add(key)
    const steps = stepsOf(world, scenario)
    if (steps.length === 0) {
      ends += 1
      try {
        check(world)
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : error}\nafter ${JSON.stringify(path)}`)
      }
    }
    for (const step of steps) {
      try {
        walk(take(world, step), [...path, step])
      } catch (error) {
        if (error instanceof Error && error.message.includes('\nafter')) throw error
        throw new Error(`${error instanceof Error ? error.message : error}\nafter ${JSON.stringify([...path, step])}`)
      }
    }
  }
  walk(startOf(scenario), [])
  return { worlds: seen.size, ends }
}

const SIDES = [0, 1] as const

/** Each side has the same one stream, or none, and sends over it. */
function expectAgreement(world: World): number | undefined {
  const [here, there] = [openStreams(world, 0), openStreams(world, 1)]
  expect(here, 'the streams of both sides').toEqual(there)
  expect(here.length, 'at most one stream').toBeLessThanOrEqual(1)
  for (const side of SIDES) {
    const current = stateOf(world, side).current
    const index = world.streams.findIndex(
      ({ links, gone }) => current !== undefined && links[side] === current && !gone[side],
    )
    expect(index, `what side ${side} sends over`).toBe(here[0] ?? -1)
  }
  return here[0]
}

function expectAllInOrder(world: World, frames: number): void {
  for (const side of SIDES) {
    expect(world.sides[side].received, `what side ${side} received`).toEqual(
      Array.from({ length: frames }, (_, index) => index),
    )
  }
}

describe('two dials at the same moment, in every order of events', () => {
  test('end in the one that the smaller id dialled, with no frame lost, doubled or out of order', () => {
    const scenario: Scenario = { streams: [{ dialler: 0 }, { dialler: 1 }], frames: 2, breaks: 0 }
    const { worlds, ends } = explore(scenario, (world) => {
      expect(expectAgreement(world)).toBe(0)
      expectAllInOrder(world, 2)
    })
    expect(worlds).toBeGreaterThan(2_000)
    expect(ends).toBeGreaterThan(1)
  })

  test('end alike on both sides when one stream breaks at any moment; what is received stays in order', () => {
    const scenario: Scenario = { streams: [{ dialler: 0 }, { dialler: 1 }], frames: 1, breaks: 1 }
    explore(scenario, (world) => {
      expectAgreement(world)
      for (const side of SIDES) expect(world.sides[side].received.length).toBeLessThanOrEqual(1)
    })
  })

  test('end in the other one when a dial fails before HELLO', () => {
    const failed = { dialler: 0 as Side, towards: [[], [{ is: 'reset' as const }]] as const }
    explore({ streams: [failed, { dialler: 1 }], frames: 2, breaks: 0 }, (world) => {
      expect(expectAgreement(world)).toBe(1)
      expectAllInOrder(world, 2)
    })
  })
})

describe('a dialler that gave up a connection and dialled again, in every order of events', () => {
  for (const dialler of SIDES) {
    test(`ends in the newer one, dialled by ${dialler === 0 ? 'the smaller' : 'the larger'} id`, () => {
      // The acceptor hears of the first dial, and of its end, at any time before, between or after the second one.
      const givenUp = [{ is: 'hello' as const }, { is: 'reset' as const }]
      const first = {
        dialler,
        givenUp: true,
        towards: dialler === 0 ? ([[], givenUp] as const) : ([givenUp, []] as const),
      }
      const scenario: Scenario = { streams: [first, { dialler }], frames: 1, breaks: 0 }
      explore(scenario, (end) => {
        const acceptor = dialler === 0 ? 1 : 0
        expect(openStreams(end, acceptor)).toEqual([1])
        expect(end.sides[acceptor].received).toEqual([0])
      })
    })
  }
})

test('three connections (a restarted dial beside the other side’s) end in one', () => {
  const again = {
    dialler: 0 as Side,
    givenUp: true,
    towards: [[], [{ is: 'hello' as const }, { is: 'reset' as const }]] as const,
  }
  explore({ streams: [again, { dialler: 0 }, { dialler: 1 }], frames: 0, breaks: 0 }, (world) => {
    expect(expectAgreement(world)).toBe(1)
  })
})
