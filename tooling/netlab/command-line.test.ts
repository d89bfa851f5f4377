import { describe, expect, it } from 'vitest'
import { type Described, defaultsOf, parseArguments, UsageError } from './command-line.js'

const SCENARIOS: readonly Described[] = [
  {
    name: 'storm',
    summary: 'rain',
    options: {
      loss: { help: 'share', min: 0, max: 0.5, default: 0.1 },
      texts: { help: 'how many', min: 1, max: 10, whole: true, default: 5 },
      'one-way': { help: 'one way', flag: true },
    },
  },
]

describe('parseArguments', () => {
  it('fills in what was not given', () => {
    expect(parseArguments(['storm', '--loss', '0.2', '--one-way', '--json'], SCENARIOS)).toEqual({
      kind: 'run',
      name: 'storm',
      values: { loss: 0.2, texts: 5, 'one-way': true },
      json: true,
    })
    expect(parseArguments(['storm', '--texts=7'], SCENARIOS)).toMatchObject({ values: { texts: 7, loss: 0.1 } })
    expect(defaultsOf(SCENARIOS[0]?.options ?? {})).toEqual({ loss: 0.1, texts: 5, 'one-way': false })
  })

  it('knows list, help and sets', () => {
    expect(parseArguments([], SCENARIOS)).toEqual({ kind: 'help', name: undefined })
    expect(parseArguments(['list', '--json'], SCENARIOS)).toEqual({ kind: 'list', json: true })
    expect(parseArguments(['storm', '--loss', '9', '--help'], SCENARIOS)).toEqual({ kind: 'help', name: 'storm' })
    expect(parseArguments(['brief', '--json'], SCENARIOS)).toEqual({ kind: 'set', name: 'brief', json: true })
  })

  it.each([
    [['calm'], /Unknown scenario "calm". There are: all, brief, storm/],
    [['storm', '--wind', '3'], /storm has no option "--wind". It has: --json, --loss, --texts, --one-way/],
    [['storm', 'now'], /no option "now"/],
    [['storm', '--loss', '0.6'], /--loss: expected a number from 0 to 0.5, got "0.6"/],
    [['storm', '--loss'], /--loss: expected a number/],
    [['storm', '--loss='], /--loss: expected a number/],
    [['storm', '--loss', 'NaN'], /--loss: expected a number/],
    [['storm', '--texts', '1.5'], /--texts: expected a whole number/],
    [['storm', '--one-way=yes'], /--one-way takes no value/],
    [['brief', '--loss', '0.1'], /brief has no option "--loss"/],
    [['list', 'storm'], /list has no option "storm"/],
  ])('refuses %j', (args, text) => {
    expect(() => parseArguments(args, SCENARIOS)).toThrow(UsageError)
    expect(() => parseArguments(args, SCENARIOS)).toThrow(text)
  })
})
