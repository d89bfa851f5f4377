import { expect, it } from 'vitest'
import { createTestLogger } from './test-logger.js'

it('collects lines with the bindings of parents, children included', () => {
  const logger = createTestLogger()
  logger.info({ port: 1 }, 'listening')
  logger.child({ component: 'pool' }).child({ peer: 'a' }).warn({ port: 2 }, 'slow')
  expect(logger.lines).toEqual([
    { level: 'info', message: 'listening', fields: { port: 1 } },
    { level: 'warn', message: 'slow', fields: { component: 'pool', peer: 'a', port: 2 } },
  ])
  expect(logger.messages('warn')).toEqual(['slow'])
})

it('keeps the newest lines when full', () => {
  const logger = createTestLogger({ limit: 2 })
  for (const name of ['a', 'b', 'c']) logger.debug({}, name)
  expect(logger.messages('debug')).toEqual(['b', 'c'])
})
