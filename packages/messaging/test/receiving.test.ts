import { setImmediate as turn } from 'node:timers/promises'
import type { Value } from '@pc/wire'
import { expect, test } from 'vitest'
import { defineMessage, type ReceivedMessage, type StandardSchemaV1 } from '../src/index.js'
import { errorOf, pair, peer } from './_util/peers.js'

const texts = async (inbox: { list(): Promise<ReceivedMessage[]> }): Promise<unknown[]> =>
  (await inbox.list()).map((message) => message.payload)

test('messages that came together are acknowledged together', async () => {
  const { anna, ben, network } = pair()
  network.held = true
  const receipts = await Promise.all(Array.from({ length: 10 }, () => anna.messaging.sendText(ben.node.self, 'x')))
  network.release()
  await Promise.all(receipts.map((receipt) => receipt.acknowledged))
  const back = ben.node.current(anna.node.self)?.headers() ?? []
  expect(back.length).toBeLessThanOrEqual(10)
  expect(new Set(back)).toEqual(new Set(['pc/ack']))
})

test('a refused number stays refused, also when it could be taken now', async () => {
  const { anna, ben } = pair()
  const receipt = await anna.messaging.send(ben.node.self, 'later', 1)
  expect(await errorOf(receipt.acknowledged)).toMatchObject({ code: 'NO_HANDLER' })
  ben.messaging.onMessage('later', { access: 'anyone' }, () => {})
  const connection = anna.node.current(ben.node.self)
  const [frame] = connection?.sent ?? []
  await connection?.send('pc/message', 99, frame?.body ?? null)
  await expect.poll(() => ben.messaging.counters.refusedMessages).toBe(2)
  expect(ben.node.current(anna.node.self)?.headers()).toEqual(['pc/error', 'pc/error'])
  await (await anna.messaging.send(ben.node.self, 'later', 2)).acknowledged
  expect(await texts(ben.messaging.inbox)).toEqual([2])
})

test('a refused message rejects its receipt with the code, and neither earlier nor later ones suffer', async () => {
  const { anna, ben, network } = pair()
  ben.messaging.onMessage('secret', { access: 'trusted' }, () => {})
  network.held = true
  const receipts = await Promise.all([
    anna.messaging.sendText(ben.node.self, 'one'),
    anna.messaging.send(ben.node.self, 'secret', 1),
    anna.messaging.send(ben.node.self, 'nobody/knows', 1),
    anna.messaging.sendText(ben.node.self, 'two'),
    anna.messaging.send(ben.node.self, 'secret', 2),
  ])
  network.release()
  const outcomes = await Promise.allSettled(receipts.map((receipt) => receipt.acknowledged))
  expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : outcome.reason.code))).toEqual([
    'ok',
    'DENIED',
    'NO_HANDLER',
    'ok',
    'DENIED',
  ])
  expect(outcomes[1]).toMatchObject({ reason: { remote: true, retryable: false } })
  expect(await texts(ben.messaging.inbox)).toEqual(['one', 'two'])
})

test('a trusted peer is marked verified', async () => {
  const { anna, ben } = pair({ ben: { authorize: () => true } })
  await (await anna.messaging.sendText(ben.node.self, 'hi')).acknowledged
  expect((await ben.messaging.inbox.list())[0]?.verified).toBe(true)
})

test('an authorize that throws refuses', async () => {
  const authorize = (): boolean => {
    throw new Error('broken rule')
  }
  const { anna, ben } = pair({ ben: { authorize } })
  const receipt = await anna.messaging.sendText(ben.node.self, 'hi')
  expect(await errorOf(receipt.acknowledged)).toMatchObject({ code: 'DENIED' })
  expect(ben.messaging.inbox.size).toBe(0)
})

test('the journal sees a message before it is acknowledged; when it throws the message is refused', async () => {
  const seen: ReceivedMessage[] = []
  const journal = (message: ReceivedMessage): void => {
    if (message.payload === 'bad') throw new Error('disk full')
    seen.push(message)
  }
  const { anna, ben } = pair({ ben: { journal } })
  const bad = await anna.messaging.sendText(ben.node.self, 'bad')
  const good = await anna.messaging.sendText(ben.node.self, 'good')
  expect(await errorOf(bad.acknowledged)).toMatchObject({ code: 'INBOX_REFUSED', remote: true, retryable: true })
  await good.acknowledged
  expect(seen).toMatchObject([{ payload: 'good', sequence: 1 }])
  expect(await texts(ben.messaging.inbox)).toEqual(['good'])
})

test('handlers get the messages of one peer one by one, in order, after the inbox has them', async () => {
  const { anna, ben } = pair()
  const log: string[] = []
  let running = 0
  ben.messaging.onMessage<number>('tick', { access: 'anyone' }, async (message) => {
    expect(++running).toBe(1)
    expect(ben.messaging.inbox.size).toBeGreaterThanOrEqual(message.payload)
    await turn()
    log.push(`${message.payload}`)
    running--
  })
  for (let number = 1; number <= 5; number++) await anna.messaging.send(ben.node.self, 'tick', number)
  await expect.poll(() => log).toEqual(['1', '2', '3', '4', '5'])
})

test('a handler that hangs holds up neither its other senders nor other types; one that throws is logged', async () => {
  const { anna, ben, network, clock } = pair()
  const carl = peer(network, clock, 3)
  const log: string[] = []
  ben.messaging.onMessage<string>('work', { access: 'anyone' }, (message) => {
    if (message.payload === 'hang') return new Promise(() => {})
    log.push(message.payload)
  })
  ben.messaging.onMessage('broken', { access: 'anyone' }, () => {
    throw new Error('my mistake')
  })
  await anna.messaging.send(ben.node.self, 'work', 'hang')
  await anna.messaging.send(ben.node.self, 'work', 'behind it')
  await anna.messaging.send(ben.node.self, 'broken', null)
  await (await anna.messaging.sendText(ben.node.self, 'text')).acknowledged
  await (await carl.messaging.send(ben.node.self, 'work', 'by carl')).acknowledged
  await expect.poll(() => log).toEqual(['by carl'])
  expect(ben.messaging.inbox.size).toBe(5)
  expect(ben.logger.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', fields: expect.objectContaining({ error: new Error('my mistake') }) }),
  )
})

test('when a handler falls too far behind its messages are refused BUSY instead of piling up', async () => {
  const { anna, ben } = pair({ ben: { limits: { handlerBacklog: 2 } } })
  ben.messaging.onMessage('work', { access: 'anyone' }, () => new Promise(() => {}))
  const receipts = await Promise.all([1, 2, 3, 4].map((number) => anna.messaging.send(ben.node.self, 'work', number)))
  const outcomes = await Promise.allSettled(receipts.map((receipt) => receipt.acknowledged))
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected'])
  expect(outcomes[3]).toMatchObject({ reason: { code: 'BUSY', retryable: true } })
  expect(ben.messaging.inbox.size).toBe(3)
})

function schema<T>(accept: (value: unknown) => T | string): StandardSchemaV1<T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => {
        const result = accept(value)
        return typeof result === 'string' ? { issues: [{ message: result, path: ['n'] }] } : { value: result }
      },
    },
  }
}

test('a contract is checked before a message is stored; the handler gets what the schema made of it', async () => {
  const { anna, ben } = pair()
  const order = defineMessage<{ n: number }>('orders/new', {
    payload: schema((value) => {
      const given = value as { n: number }
      return given.n > 0 ? { n: given.n * 10 } : 'must be positive'
    }),
  })
  const log: number[] = []
  ben.messaging.onMessage(order, { access: 'anyone' }, (message) => void log.push(message.payload.n))
  const bad = await anna.messaging.send(ben.node.self, order, { n: 0 })
  expect(await errorOf(bad.acknowledged)).toMatchObject({
    code: 'BAD_INPUT',
    remote: true,
    message: expect.stringContaining('n: must be positive'),
  })
  await (await anna.messaging.send(ben.node.self, order, { n: 4 })).acknowledged
  await expect.poll(() => log).toEqual([40])
  expect(await texts(ben.messaging.inbox)).toEqual([{ n: 4 }])
})

test.each([
  [
    'throws',
    () => {
      throw new Error('secret')
    },
  ],
  ['returns a promise', async () => ({ value: 1 })],
])('a schema that %s refuses the message without telling why', async (_what, validate) => {
  const { anna, ben } = pair()
  const contract = defineMessage<number>('x', { payload: { '~standard': { version: 1, vendor: 'test', validate } } })
  ben.messaging.onMessage(contract, { access: 'anyone' }, () => {})
  const receipt = await anna.messaging.send(ben.node.self, 'x', 1)
  const error = await errorOf(receipt.acknowledged)
  expect(error).toMatchObject({ code: 'HANDLER_FAILED' })
  expect(error.message).not.toContain('secret')
  expect(ben.logger.messages('error')).toHaveLength(1)
})

test('a text that is no string is refused', async () => {
  const { anna, ben } = pair()
  const receipt = await anna.messaging.send<unknown>(ben.node.self, 'text', 5)
  expect(await errorOf(receipt.acknowledged)).toMatchObject({ code: 'BAD_INPUT' })
})

test('a handler of one’s own for text gets them from then on; without one they are stored', async () => {
  const { anna, ben } = pair()
  const log: string[] = []
  expect(ben.messaging.messages.headers()).toEqual([])
  const stop = ben.messaging.onMessage<string>(
    'text',
    { access: 'anyone' },
    (message) => void log.push(message.payload),
  )
  expect(() => ben.messaging.onMessage('text', { access: 'anyone' }, () => {})).toThrow(
    expect.objectContaining({ code: 'HANDLER_EXISTS' }),
  )
  await (await anna.messaging.sendText(ben.node.self, 'a')).acknowledged
  stop()
  stop()
  await (await anna.messaging.sendText(ben.node.self, 'b')).acknowledged
  expect(ben.messaging.messages.headers()).toEqual([])
  expect(log).toEqual(['a'])
  expect(await texts(ben.messaging.inbox)).toEqual(['a', 'b'])
})

test('a repeated message is acknowledged again and not stored again', async () => {
  const { anna, ben } = pair()
  await (await anna.messaging.sendText(ben.node.self, 'once')).acknowledged
  const connection = anna.node.current(ben.node.self)
  const [frame] = connection?.sent ?? []
  if (connection === undefined || frame === undefined) throw new Error('nothing was sent')
  await connection.send(frame.header, 77, frame.body)
  await expect.poll(() => ben.messaging.counters.repeatedMessages).toBe(1)
  await turn()
  expect(ben.node.current(anna.node.self)?.headers()).toEqual(['pc/ack', 'pc/ack'])
  expect(ben.messaging.inbox.size).toBe(1)
})

test('after a restart of the receiver the stream is taken up where it is', async () => {
  const { anna, ben, clock } = pair()
  await (await anna.messaging.sendText(ben.node.self, '1')).acknowledged
  await ben.messaging.close({ signal: AbortSignal.abort() })
  anna.node.current(ben.node.self)?.cut()
  await turn()
  const network = ben.node.network
  const again = peer(network, clock, 2)
  await (await anna.messaging.sendText(again.node.self, '2')).acknowledged
  expect(await texts(again.messaging.inbox)).toEqual(['2'])
})

test('numbers that are jumped over are refused before anything that covers them is acknowledged', async () => {
  const { anna, ben } = pair()
  await (await anna.messaging.sendText(ben.node.self, 'one')).acknowledged
  const connection = anna.node.current(ben.node.self)
  const [frame] = connection?.sent ?? []
  await connection?.send('pc/message', 99, { ...(frame?.body as { [key: string]: Value }), seq: 4 })
  await expect
    .poll(() => ben.node.current(anna.node.self)?.headers())
    .toEqual(['pc/ack', 'pc/error', 'pc/error', 'pc/ack'])
  expect(await texts(ben.messaging.inbox)).toEqual(['one', 'one'])
})
