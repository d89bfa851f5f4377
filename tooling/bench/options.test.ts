import { describe, expect, test } from 'vitest'
import { parseOptions, UsageError } from './options.js'

const parse = (line: string) => parseOptions(line === '' ? [] : line.split(' '), ['wire', 'udp'])

test('without options: five rounds, and the rest as the benchmark has it', () => {
  expect(parse('wire')).toStrictEqual({
    name: 'wire',
    rounds: 5,
    ms: undefined,
    warmUpMs: 500,
    connections: undefined,
    json: false,
    help: false,
    smoke: false,
    source: false,
  })
  expect(parse('').name).toBe('list')
})

test('options', () => {
  expect(parse('udp --rounds 7 --ms 200 --warm-up 0 --json')).toMatchObject({
    name: 'udp',
    rounds: 7,
    ms: 200,
    warmUpMs: 0,
    json: true,
  })
  expect(parse('wire --connections 200').connections).toBe(200)
  expect(parse('wire --nodes 200').connections).toBe(200)
  expect(parse('all --smoke')).toMatchObject({ name: 'all', smoke: true, rounds: 1 })
})

describe('usage errors', () => {
  test.each([
    ['an unknown name', 'xyz', 'wire, udp'],
    ['an unknown option', 'wire --fast', '--fast'],
    ['two names', 'wire udp', 'expected one name'],
    ['too few rounds for a median worth printing', 'wire --rounds 4', '5 to 1000'],
    ['no whole number', 'wire --rounds 5.5', '"5.5"'],
    ['a number in words', 'wire --ms many', '"many"'],
    ['too short', 'wire --ms 9', '10 to 60000'],
    ['no connections at all', 'wire --connections 0', '1 to 20000'],
    ['a value that is missing', 'wire --ms', '--ms'],
  ])('%s', (_what, line, text) => {
    expect(() => parse(line)).toThrow(UsageError)
    expect(() => parse(line)).toThrow(text)
  })
})
