import { describe, expect, it } from 'vitest'
import { HINTS_PER_SECOND, hintBackOff, type Sighting, Sightings } from './sightings.js'

function sighting(bootId: string, port = 3_485): Sighting {
  return {
    bootId,
    address: { host: '192.0.2.7', port },
    blindedId: new Uint8Array(8),
    epoch: 1,
    source: 'announcement',
    interfaceName: 'eth0',
  }
}

describe('Sightings', () => {
  it('give the hint of an answer at once', () => {
    const sightings = new Sightings(() => 0)
    const one = sighting('a')
    expect(sightings.answered(one, 5)).toBe(one)
    expect(sightings.dueAt).toBe(Number.POSITIVE_INFINITY)
  })

  it.each([
    [true, 0, 1_000],
    [true, 0.5, 1_125],
    [false, 0, 50],
    [false, 0.5, 175],
  ])('give the hint of an announcement later: answered %s, chance %d, after %d ms', (answered, chance, delay) => {
    const sightings = new Sightings(() => chance)
    sightings.announced(sighting('a'), 100, answered)
    expect(sightings.dueAt).toBe(100 + delay)
    expect(sightings.take(100 + delay - 1)).toEqual([])
    expect(sightings.take(100 + delay)).toEqual([sighting('a')])
    expect(sightings.take(100_000)).toEqual([])
  })

  it('an announcement repeated does not put the hint off, and the latest address counts', () => {
    const sightings = new Sightings(() => 0)
    for (let now = 0; now < 1_000; now += 250) sightings.announced(sighting('a', 1 + now), now, true)
    expect(sightings.take(1_000)).toEqual([sighting('a', 751)])
  })

  it('a hint given meanwhile takes the place of the one that waits', () => {
    const sightings = new Sightings(() => 0)
    sightings.announced(sighting('a'), 0, true)
    expect(sightings.answered(sighting('a'), 500)).toBeDefined()
    expect(sightings.take(1_000)).toEqual([])
    expect(sightings.dueAt).toBe(Number.POSITIVE_INFINITY)
  })

  it('hints that lead to nothing become rarer: after 1, 2, 4, 8, 16 and then every 30 s', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 2_000].map(hintBackOff)).toEqual([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ])
    const sightings = new Sightings(() => 0)
    const times: number[] = []
    for (let now = 0; now < 100_000; now += 100) {
      if (sightings.answered(sighting('a'), now) !== undefined) times.push(now / 1_000)
    }
    expect(times).toEqual([0, 1, 3, 7, 15, 31, 61, 91])
  })

  it('an announcement during the back-off is followed up at its end', () => {
    const sightings = new Sightings(() => 0)
    sightings.answered(sighting('a'), 0)
    sightings.answered(sighting('a'), 1_000)
    sightings.announced(sighting('a'), 1_500, true)
    expect(sightings.dueAt).toBe(3_000)
    expect(sightings.take(3_000)).toEqual([sighting('a')])
  })

  it('a connection ends what waits and the back-off', () => {
    const sightings = new Sightings(() => 0)
    sightings.answered(sighting('a'), 0)
    sightings.announced(sighting('a'), 1, true)
    sightings.reset('a')
    expect(sightings.take(10_000)).toEqual([])
    expect(sightings.answered(sighting('a'), 2)).toBeDefined()
    sightings.reset('never heard of')
  })

  it('give no more hints a second than the limit, and the others in turn after that', () => {
    const sightings = new Sightings(() => 0)
    const heard = Array.from({ length: 2 * HINTS_PER_SECOND + 1 }, (_, index) => `${index}`)
    const given: [number, string][] = []
    for (const bootId of heard) {
      if (Number(bootId) % 2 === 0) sightings.announced(sighting(bootId), 0, true)
      else {
        const hint = sightings.answered(sighting(bootId), 1_000)
        if (hint !== undefined) given.push([1_000, hint.bootId])
      }
    }
    expect(given).toHaveLength(HINTS_PER_SECOND)
    for (let now = sightings.dueAt; now < 5_000; now = sightings.dueAt) {
      for (const { bootId } of sightings.take(now)) given.push([now, bootId])
    }
    expect(given.map(([, bootId]) => bootId).sort()).toEqual(heard.sort())
    const times = [1_000, 2_000, 3_000].map((time) => given.filter(([at]) => at === time).length)
    expect(times).toEqual([HINTS_PER_SECOND, HINTS_PER_SECOND, 1])
  })

  it('of an answer wait too, when there are too many', () => {
    const sightings = new Sightings(() => 0)
    for (let boot = 0; boot < HINTS_PER_SECOND; boot++) sightings.answered(sighting(`${boot}`), boot)
    expect(sightings.answered(sighting('late'), 500)).toBeUndefined()
    expect(sightings.dueAt).toBe(1_000)
    expect(sightings.take(1_000).map(({ bootId }) => bootId)).toEqual(['late'])
  })

  it('are bounded: the boot silent longest is forgotten, with the hint that waited', () => {
    const sightings = new Sightings(() => 0, 3)
    for (const [now, bootId] of ['a', 'b', 'c', 'a', 'd'].entries()) sightings.announced(sighting(bootId), now, true)
    expect(sightings.size).toBe(3)
    expect(sightings.take(10_000).map(({ bootId }) => bootId)).toEqual(['c', 'a', 'd'])
  })
})
