/** The oracle must be able to fail: targets with a fault each, and what is said about them. */
import { InvalidPacketError } from '@pc/wire'
import { afterEach, expect, test } from 'vitest'
import { decoders, exported, obsolete, uncovered } from './covered.js'
import { generate } from './generate.js'
import { opaque } from './mutate/shape.js'
import { readOptions, UsageError } from './options.js'
import { pollution } from './pollution.js'
import { CaseRunner } from './run-cases.js'
import { CaseProcess } from './supervisor.js'
import { errors, type Subject, type Target } from './target.js'
import { TARGETS } from './targets/index.js'

const BROKEN = new InvalidPacketError('TRUNCATED', 'expected')

function target(handle: Subject['handle'], rest: Partial<Subject> = {}): Target {
  return {
    name: 'test/target',
    about: '',
    covers: [],
    shape: opaque,
    seeds: () => [Uint8Array.of(1, 2, 3)],
    allows: errors(InvalidPacketError, ['TRUNCATED']),
    open: () => ({ handle, alive: () => undefined, ...rest }),
  }
}

async function findings(subject: Target, to = 20) {
  const result = await new CaseRunner(subject, await subject.seeds(), '1', () => {}).run({ from: 0, to })
  return { crashes: result.crashes, what: result.failures[0]?.what ?? '', first: result.failures[0] }
}

afterEach(() => {
  Reflect.deleteProperty(Object.prototype, 'polluted')
})

test('only the typed error with a code that is allowed may escape', async () => {
  const throwing = (error: unknown) =>
    findings(
      target(() => {
        throw error
      }),
    )
  expect(await throwing(BROKEN)).toMatchObject({ crashes: 0 })
  expect(await throwing(new TypeError('x is undefined'))).toMatchObject({
    crashes: 20,
    what: expect.stringContaining('TypeError'),
  })
  expect(await throwing(new InvalidPacketError('BAD_KEY', 'another code'))).toMatchObject({ crashes: 20 })
  expect(await throwing('text')).toMatchObject({ crashes: 20 })
  expect(await findings(target(() => Promise.reject(new RangeError('later'))))).toMatchObject({ crashes: 20 })
})

test('a wrong result, a handler that works no more and a changed prototype are findings', async () => {
  expect(await findings(target(() => 1, { verify: () => 'wrong' }))).toMatchObject({ crashes: 20, what: 'wrong' })
  let alive = true
  const dying = target(
    (input) => {
      if (input.length === 0) alive = false
    },
    { alive: () => (alive ? undefined : 'gone') },
  )
  expect((await findings(dying, 200)).what).toContain('a valid input is not handled any more: gone')
  const polluting = target(() => Object.assign(Object.prototype, { polluted: 1 }))
  expect((await findings(polluting, 1)).what).toContain('Object.prototype')
  Reflect.deleteProperty(Object.prototype, 'polluted')
  expect(pollution()).toBeUndefined()
})

test('a failure that takes several cases says from where to replay', async () => {
  const wearing = (): Subject => {
    let calls = 0
    return {
      handle: () => {
        if (++calls > 10) throw new TypeError('the eleventh of one life')
      },
      alive: () => undefined,
    }
  }
  const { first } = await findings({ ...target(() => {}), open: wearing }, 11)
  expect(first).toMatchObject({ number: 10, from: 0 })
})

test('the input of a case is a function of target, seed and number', async () => {
  for (const one of TARGETS.slice(0, 6)) {
    const seeds = await one.seeds()
    for (let number = 0; number < 40; number++) {
      expect(Buffer.compare(generate(one, seeds, 's', number), generate(one, await one.seeds(), 's', number))).toBe(0)
    }
  }
})

test('every decoder and handler that a package exports is covered; a new one is noticed', async () => {
  expect(await uncovered()).toEqual([])
  expect(await obsolete()).toEqual([])
  expect(await uncovered([...(await decoders()), '@pc/wire decodeNovelty'])).toEqual(['@pc/wire decodeNovelty'])
})

test('what a target says it covers is exported', async () => {
  const names = TARGETS.flatMap(({ covers }) => covers)
  expect(await exported(names)).toEqual(names)
})

test('a whole process runs cases and comes back with figures', async () => {
  const process = new CaseProcess()
  try {
    const outcome = await process.run({ target: 'wire/decodeValue', seed: '1', from: 0, to: 100 })
    expect(outcome).toMatchObject({ cases: 100, crashes: 0 })
  } finally {
    process.close()
  }
}, 60_000)

test('unknown options and words are refused', () => {
  expect(readOptions(['--cases', '5', '--json'])).toMatchObject({ cases: 5, json: true, seed: '1' })
  for (const args of [
    ['--cases', '0'],
    ['--case', '3'],
    ['--typo'],
    ['run'],
    ['--minutes', 'x'],
    ['--from', '1'],
    ['--case', '1', '--target', 'a', '--target', 'b'],
  ]) {
    expect(() => readOptions(args)).toThrow(UsageError)
  }
})
