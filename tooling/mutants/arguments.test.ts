import { describe, expect, it } from 'vitest'
import { CORES } from '../cores.js'
import { parseArguments, UsageError } from './arguments.js'

const parse = (...args: string[]) => parseArguments(args, () => 'drawn')

describe('parseArguments', () => {
  it('draws 100 of all cores with a seed of its own when nothing is said', () => {
    expect(parse()).toMatchObject({
      seed: 'drawn',
      count: 100,
      only: undefined,
      cores: CORES,
      json: false,
      list: false,
    })
  })

  it('takes a package or a single file', () => {
    expect(parse('--core', 'wire').cores.map(({ package: name }) => name)).toEqual(
      CORES.filter((core) => core.package === 'wire').map(() => 'wire'),
    )
    expect(parse('--core', 'wire/frame').cores.map(({ file }) => file)).toEqual(['packages/wire/src/frame.ts'])
  })

  it('takes every option', () => {
    expect(parse('--seed', '5', '--count', '7', '--only', '3', '--json', '--verbose')).toMatchObject({
      seed: '5',
      count: 7,
      only: 3,
      json: true,
      verbose: true,
    })
    expect(parse('list').list).toBe(true)
    expect(parse('--help').help).toBe(true)
  })

  it.each([
    ['--count', '0'],
    ['--count', '1.5'],
    ['--count', '1000001'],
    ['--only', '-1'],
    ['--only', 'x'],
    ['--core', 'nothing'],
    ['--seed', ''],
    ['--unknown', '1'],
    ['lists'],
    ['list', 'more'],
  ])('refuses %s %s', (...args) => {
    expect(() => parse(...args)).toThrow(UsageError)
  })
})
