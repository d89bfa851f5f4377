import { inspect } from 'node:util'
import { createIdentity, createIdMask, type PeerId } from '@pc/identity'
import { createTestLogger } from '@pc/testkit'
import { describe, expect, test } from 'vitest'
import { TransportError } from './errors.js'
import { maskedLogger } from './masked-logger.js'
import { silentLogger } from './ports.js'

const [anna, ben, carol] = [1, 2, 3].map((seed) => createIdentity(new Uint8Array(32).fill(seed)).id) as [
  PeerId,
  PeerId,
  PeerId,
]
const mask = createIdMask({ key: new Uint8Array(16).fill(1) })
const known = (prefix: string): PeerId | undefined => [anna, ben].find((id) => id.toString().startsWith(prefix))

const setUp = () => {
  const lines = createTestLogger()
  return { lines, log: maskedLogger(lines, mask, { known }) }
}

describe('a masked logger', () => {
  test('replaces ids in fields and in the bindings of children, and leaves the rest', () => {
    const { lines, log } = setUp()
    const nested = { list: [ben], at: 3 }
    const child = log.child({ peer: anna, part: 'x' })
    child.child({ other: ben }).info({ nested, count: 1, none: undefined, empty: null }, 'said')
    expect(lines.lines).toEqual([
      {
        level: 'info',
        message: 'said',
        fields: {
          peer: mask.of(anna),
          part: 'x',
          other: mask.of(ben),
          nested: { list: [mask.of(ben)], at: 3 },
          count: 1,
          none: undefined,
          empty: null,
        },
      },
    ])
    expect(nested.list).toEqual([ben])
  })

  test('writes at the level that was asked for, with and without a message', () => {
    const { lines, log } = setUp()
    for (const level of ['trace', 'debug', 'info', 'warn', 'error'] as const) log[level]({ level })
    expect(lines.lines.map(({ level, fields, message }) => [level, fields.level, message])).toEqual(
      ['trace', 'debug', 'info', 'warn', 'error'].map((level) => [level, level, undefined]),
    )
  })

  test('replaces both text forms of ids, in any case, wherever a text has them', () => {
    const { lines, log } = setUp()
    const text = `${anna.short}, (${ben}) and ${ben.short.toUpperCase()}: ${anna.toString().toUpperCase()}`
    log.warn({ text }, text)
    const masked = `${mask.of(anna)}, (${mask.of(ben)}) and ${mask.of(ben)}: ${mask.of(anna)}`
    expect(lines.lines).toEqual([{ level: 'warn', message: masked, fields: { text: masked } }])
  })

  test('shows no id that nobody knows either; a full one, and one that the line itself names, keep their mask', () => {
    const { lines, log } = setUp()
    log.info({ text: `${carol.short} is ${carol}` })
    log.info({ text: carol.short, peer: carol })
    expect(lines.lines.map(({ fields }) => fields.text)).toEqual([`id-unknown is ${mask.of(carol)}`, mask.of(carol)])
  })

  test('leaves words, numbers and what only looks like an id', () => {
    const { lines, log } = setUp()
    const wrongCheck = anna.short.slice(0, 7) + (anna.short.endsWith('0') ? '1' : '0')
    const text = `expected ${wrongCheck} at 10.0.0.1:3485, x${anna.short}, ${anna.short}y, ${'a'.repeat(53)}`
    log.info({ text })
    expect(lines.lines[0]?.fields.text).toBe(text)
  })

  test('replaces ids in message, stack, causes and members of an error, and changes a copy', () => {
    const { lines, log } = setUp()
    const cause = new TransportError('WRONG_PEER', `Expected ${anna.short}, but ${ben.short} answered.`)
    const address = { host: '10.0.0.1', port: 1 }
    const error = new TransportError('PEER_UNREACHABLE', `No connection to ${anna.short}`, {
      cause,
      attempts: [{ address, error: cause }],
    })
    log.debug({ err: error, error: new AggregateError([cause], `${anna}`) }, 'failed')
    const [line] = lines.lines
    if (line === undefined) throw new Error('a line was expected')
    const { err, error: all } = line.fields as { err: TransportError; error: AggregateError }
    expect(err).toBeInstanceOf(TransportError)
    expect(err).toMatchObject({ name: 'TransportError', code: 'PEER_UNREACHABLE', retryable: error.retryable })
    expect(err.message).toBe(`No connection to ${mask.of(anna)}`)
    expect(err.stack).toContain('masked-logger.test')
    const said = `Expected ${mask.of(anna)}, but ${mask.of(ben)} answered.`
    expect((err.cause as Error).message).toBe(said)
    expect(err.attempts).toMatchObject([{ address, error: { message: said } }])
    expect((all.errors[0] as Error).message).toBe(said)
    const shown = inspect([err, all], { depth: 20, showHidden: true })
    for (const id of [anna, ben]) for (const form of [id.short, `${id}`]) expect(shown).not.toContain(form)
    expect(error.message).toContain(anna.short)
    expect(error.cause).toBe(cause)
  })

  test('takes an error in the place of fields, and one whose class keeps its members elsewhere', () => {
    const got: object[] = []
    const lines = { ...silentLogger, isLevelEnabled: () => true, error: (fields: object) => got.push(fields) }
    const log = maskedLogger(lines, mask, { known })
    const abort = new AbortController()
    abort.abort()
    log.error(new Error(anna.short))
    log.error({ err: abort.signal.reason })
    expect(got).toMatchObject([{ message: mask.of(anna) }, { err: { name: 'AbortError' } }])
    expect(inspect(got[1])).toContain('AbortError')
  })

  test('ends with causes that lead in a circle', () => {
    const { lines, log } = setUp()
    const error = new Error(anna.short)
    error.cause = error
    log.error({ error })
    expect(inspect(lines.lines[0], { depth: 50 })).not.toContain(anna.short)
  })

  test('looks at nothing when the level is off', () => {
    const fields = Object.defineProperty({}, 'peer', { enumerable: true, get: () => expect.fail('it was read') })
    const log = maskedLogger(silentLogger, mask, { known })
    log.error(fields, 'never written')
    expect([log.isLevelEnabled?.('error'), setUp().log.isLevelEnabled?.('trace')]).toEqual([false, true])
  })
})
