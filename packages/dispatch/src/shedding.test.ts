import { describe, expect, it } from 'vitest'
import { PRIORITIES, Priority } from './priority.js'
import { isShed } from './shedding.js'

const shedAt = (delayMs: number): number[] =>
  Array.from({ length: PRIORITIES }, (_, priority) => priority).filter((priority) => isShed(priority, delayMs))

describe('isShed', () => {
  it.each([
    [50, []],
    [51, [Priority.SEARCH]],
    [101, [Priority.GOSSIP, Priority.SEARCH]],
    [201, [Priority.GOSSIP, Priority.STORE, Priority.SEARCH]],
    [401, [Priority.DISCOVERY, Priority.GOSSIP, Priority.STORE, Priority.SEARCH]],
    [1e9, [Priority.DISCOVERY, Priority.GOSSIP, Priority.STORE, Priority.SEARCH]],
  ])('%d ms behind, drops the classes %j, and never the upper four', (delayMs, classes) => {
    expect(shedAt(delayMs)).toEqual(classes)
  })
})
