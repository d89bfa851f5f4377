import { describe, expect, it } from 'vitest'
import { SendProblems } from './send-problems.js'

describe('SendProblems', () => {
  it('tells a problem once, whatever hosts it concerns, until all of them were reached again', () => {
    const problems = new SendProblems()
    expect(problems.note('UNREACHABLE', 'ENETDOWN', 'a')).toBe('warn')
    expect(problems.note('UNREACHABLE', 'ENETDOWN', 'a')).toBeUndefined()
    expect(problems.note('UNREACHABLE', 'ENETDOWN', 'b')).toBeUndefined()
    problems.reached('a')
    problems.reached('c')
    expect(problems.note('UNREACHABLE', 'ENETDOWN', 'a')).toBeUndefined()
    problems.reached('b')
    problems.reached('a')
    expect(problems.size).toBe(0)
    expect(problems.note('UNREACHABLE', 'ENETDOWN', 'a')).toBe('warn')
  })

  it('tells problems apart by what the system calls them', () => {
    const problems = new SendProblems()
    expect(problems.note('UNREACHABLE', 'ENETDOWN', 'a')).toBe('warn')
    expect(problems.note('UNREACHABLE', 'EHOSTUNREACH', 'a')).toBe('warn')
    expect(problems.size).toBe(2)
    problems.reached('a')
    expect(problems.size).toBe(0)
  })

  it('never tells of full queues, and of a datagram that is too large once for ever', () => {
    const problems = new SendProblems()
    expect(problems.note('DATAGRAM_DROPPED', 'ENOBUFS', 'a')).toBeUndefined()
    expect(problems.note('DATAGRAM_TOO_LARGE', 'EMSGSIZE', 'a')).toBe('error')
    problems.reached('a')
    expect(problems.note('DATAGRAM_TOO_LARGE', 'EMSGSIZE', 'b')).toBeUndefined()
    expect(problems.size).toBe(0)
  })

  it('is bounded: hosts beyond 64 do not keep a problem alive, problems beyond 32 are not told', () => {
    const problems = new SendProblems()
    for (let host = 0; host < 1_000; host += 1) problems.note('UNREACHABLE', 'ENETDOWN', `${host}`)
    for (let host = 0; host < 64; host += 1) problems.reached(`${host}`)
    expect(problems.size).toBe(0)
    const told = Array.from({ length: 100 }, (_, name) => problems.note('SYSTEM', `E${name}`, 'a'))
    expect(told.filter((level) => level === 'warn')).toHaveLength(32)
    expect(problems.size).toBe(32)
  })
})
