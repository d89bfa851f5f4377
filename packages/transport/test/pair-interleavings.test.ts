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

  const breaking =
    'end alike on both sides when one stream breaks at any moment; what was sent arrives whole, or up to the end'
  test(breaking, { timeout: 60_000 }, () => {
    let [alive, over] = [0, 0]
    explore({ streams: [{ dialler: 0 }, { dialler: 1 }], frames: 2, breaks: 1 }, (world) => {
      const stream = expectAgreement(world)
      if (stream === undefined) over += 1
      else alive += 1
      for (const side of SIDES) {
        const { received, down } = world.sides[side]
        expect(received, `what side ${side} received`).toEqual(received.map((_, index) => index))
        if (stream !== undefined) expect([received.length, down]).toEqual([world.sides[side === 0 ? 1 : 0].sent, false])
      }
    })
    // A stream that breaks when its last frames are through hurts nobody.
    expect(alive).toBeGreaterThan(1)
    expect(over).toBeGreaterThan(1)
  })

  test('end in the other one when a dial fails before HELLO', () => {
    const failed = { dialler: 0 as Side, towards: [[], [{ is: 'reset' as const }]] as const }
    explore({ streams: [failed, { dialler: 1 }], frames: 2, breaks: 0 }, (world) => {
      expect(expectAgreement(world)).toBe(1)
      expectAllInOrder(world, 2)
    })
  })
})
