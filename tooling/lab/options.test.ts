import { describe, expect, it } from 'vitest'
import { commandOf, type Described, parseArguments, UsageError } from './options.js'

const ENTRIES: Described[] = [
  {
    name: 'meet',
    summary: '',
    options: {
      nodes: { help: '', min: 2, max: 10, whole: true, default: 4 },
      loss: { help: '', min: 0, max: 1 },
      only: { help: '', text: true },
    },
  },
]
const parse = (...args: string[]): ReturnType<typeof parseArguments> => parseArguments(args, ENTRIES)

describe('parseArguments', () => {
  it('reads seed, options in both forms and --json, and fills in defaults', () => {
    expect(parse('meet', '--seed', 'x y', '--loss=0.1', '--json')).toEqual({
      kind: 'run',
      name: 'meet',
      seed: 'x y',
      seeds: undefined,
      values: { nodes: 4, loss: 0.1 },
      given: { loss: 0.1 },
      json: true,
    })
    expect(parse('meet', '--seeds', '3..7', '--only', 'a')).toMatchObject({
      seeds: { first: 3, last: 7 },
      given: { only: 'a' },
    })
  })

  it('knows list and help', () => {
    expect(parse('list')).toEqual({ kind: 'list' })
    expect(parse()).toEqual({ kind: 'help', name: undefined })
    expect(parse('meet', '--help')).toEqual({ kind: 'help', name: 'meet' })
  })

  it.each([
    [['swarm'], /Unknown scenario "swarm". There are: meet/],
    [['meet', '--node', '3'], /no option --node. It has: --seed, --seeds, --json, --nodes, --loss, --only/],
    [['meet', '--nodes', '1'], /a whole number from 2 to 10, got "1"/],
    [['meet', '--nodes', '2.5'], /a whole number/],
    [['meet', '--loss', 'much'], /a number from 0 to 1/],
    [['meet', '--loss', ''], /needs a value/],
    [['meet', '--loss'], /needs a value/],
    [['meet', '--seed', '--json'], /needs a value/],
    [['meet', '--seeds', '7..3'], /a rising range/],
    [['meet', '--seeds', '1..'], /a rising range/],
    [['meet', '--seed', '1', '--seeds', '1..2'], /got both/],
    [['meet', 'nodes'], /Expected an option/],
    [['meet', '--json=1'], /--json takes no value/],
    [['meet', '--constructor', '1'], /no option --constructor/],
    [['list', '--all'], /takes no options/],
  ])('refuses %j', (args, says) => {
    expect(() => parse(...args)).toThrow(UsageError)
    expect(() => parse(...args)).toThrow(says)
  })
})

describe('commandOf', () => {
  it('gives the command back that was typed, quoted for a shell', () => {
    expect(commandOf('meet', "it's", { nodes: 3, only: 'a b' })).toBe(
      "npm run lab -- meet --seed 'it'\\''s' --nodes 3 --only 'a b'",
    )
  })
})
