import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { MessagingError, ReceivedMessage } from '../src/index.js'
import { FakeNetwork } from './_util/fake-network.js'
import { errorOf, pair, peer } from './_util/peers.js'

const texts = async (inbox: { list(): Promise<ReceivedMessage[]> }): Promise<unknown[]> =>
  (await inbox.list()).map((message) => message.payload)

test('a text arrives in the inbox without any handler, under the id of its receipt', async () => {
  const { anna, ben, clock } = pair()
  const receipt = await anna.messaging.sendText(ben.node.self, 'hello')
  await receipt.acknowledged
  const [message] = await ben.messaging.inbox.list()
  expect(message).toEqual({
    id: receipt.id,
    sequence: 1,
    from: anna.node.self,
    type: 'text',
    payload: 'hello',
    sentAt: clock.unixNow(),
    receivedAt: clock.unixNow(),
    verified: false,
    redelivered: false,
  })
})

test('concurrent sends go out over one connection, and are stored in the order of the calls', async () => {
  const { anna, ben } = pair()
  const sent = Array.from({ length: 300 }, (_, index) => anna.messaging.sendText(ben.node.self, `${index}`))
  const receipts = await Promise.all(sent)
  await Promise.all(receipts.map((receipt) => receipt.acknowledged))
  expect(anna.node.dials).toBe(1)
  expect((await ben.messaging.inbox.list({ limit: 300 })).map((message) => message.payload)).toEqual(
    Array.from({ length: 300 }, (_, index) => `${index}`),
  )
  expect(new Set(receipts.map((receipt) => receipt.id)).size).toBe(300)
})

test('at most 64 messages are on the wire unacknowledged', async () => {
  const { anna, ben, network } = pair()
  network.held = true
  const receipts: unknown[] = []
  for (let count = 0; count < 100; count++) {
    void anna.messaging.sendText(ben.node.self, 'x').then((receipt) => receipts.push(receipt))
  }
  await turn()
  await turn()
  expect(receipts).toHaveLength(64)
  network.release()
  await expect.poll(() => receipts.length).toBe(100)
})

test('an absent peer rejects with PEER_OFFLINE, the next try finds it', async () => {
  const { anna, ben } = pair()
  ben.node.online = false
  const both = [anna.messaging.sendText(ben.node.self, 'a'), anna.messaging.sendText(ben.node.self, 'b')]
  for (const sent of both) {
    expect(await errorOf(sent)).toMatchObject({ code: 'PEER_OFFLINE', retryable: true, remote: false })
  }
  expect(anna.node.dials).toBe(1)
  ben.node.online = true
  await (await anna.messaging.sendText(ben.node.self, 'c')).acknowledged
  expect(await texts(ben.messaging.inbox)).toEqual(['c'])
})

test('to oneself: SELF', async () => {
  const { anna } = pair()
  expect(await errorOf(anna.messaging.sendText(anna.node.self, 'a'))).toMatchObject({ code: 'SELF', retryable: false })
})

test('a lost connection rejects what was not acknowledged, and what waited goes over the next one', async () => {
  const { anna, ben, network } = pair()
  network.held = true
  const sent = Array.from({ length: 70 }, (_, index) => anna.messaging.sendText(ben.node.self, `${index}`))
  const receipts = await Promise.all(sent.slice(0, 64))
  const outcomes = Promise.allSettled(receipts.map((receipt) => receipt.acknowledged))
  network.lose()
  anna.node.current(ben.node.self)?.cut()
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CONNECTION_LOST' } })
  }
  for (const late of await Promise.all(sent.slice(64))) await late.acknowledged
  expect(await texts(ben.messaging.inbox)).toEqual(['64', '65', '66', '67', '68', '69'])
})

test('a connection that takes no more holds up its stream, until it is lost', async () => {
  const { anna, ben, network } = pair()
  const connection = await anna.node.control(ben.node.self)
  connection.stuck = true
  network.held = true
  const stuck = errorOf(anna.messaging.sendText(ben.node.self, 'stuck'))
  const next = anna.messaging.sendText(ben.node.self, 'next')
  await turn()
  expect(connection.sent).toHaveLength(1)
  network.lose()
  connection.cut()
  expect(await stuck).toMatchObject({ code: 'CONNECTION_LOST' })
  await (await next).acknowledged
  expect(await texts(ben.messaging.inbox)).toEqual(['next'])
})

test('a receipt that nobody looks at may fail without ending the process', async () => {
  const { anna, ben, network } = pair()
  network.held = true
  await anna.messaging.sendText(ben.node.self, 'x')
  network.lose()
  anna.node.current(ben.node.self)?.cut()
  await turn()
  await turn()
})

test('no acknowledgement before the deadline: NOT_ACKNOWLEDGED, and the stream goes on', async () => {
  const { anna, ben, network, clock } = pair()
  network.held = true
  const receipt = await anna.messaging.sendText(ben.node.self, 'late', { timeoutMs: 500 })
  const failure = errorOf(receipt.acknowledged)
  await clock.advance(499)
  await clock.advance(1)
  expect(await failure).toMatchObject({ code: 'NOT_ACKNOWLEDGED', retryable: true })
  network.release()
  await (await anna.messaging.sendText(ben.node.self, 'next')).acknowledged
  expect(await texts(ben.messaging.inbox)).toEqual(['late', 'next'])
  expect(clock.pending).toBe(0)
})

test('a deadline also ends the wait for a connection', async () => {
  const { anna, ben, clock } = pair()
  anna.node.gate = new Promise(() => {})
  const failure = errorOf(anna.messaging.sendText(ben.node.self, 'x', { timeoutMs: 100 }))
  await clock.advance(100)
  expect(await failure).toMatchObject({
    code: 'NOT_ACKNOWLEDGED',
    message: expect.stringContaining('could not be sent'),
  })
})

test('a signal ends the wait before and after the receipt, with its reason', async () => {
  const { anna, ben, network } = pair()
  const before = new AbortController()
  let open = (): void => {}
  anna.node.gate = new Promise((resolve) => {
    open = resolve
  })
  const waiting = errorOf(anna.messaging.sendText(ben.node.self, 'a', { signal: before.signal }))
  const other = anna.messaging.sendText(ben.node.self, 'b')
  before.abort(new Error('changed my mind'))
  expect((await waiting).message).toBe('changed my mind')
  open()
  await (await other).acknowledged
  network.held = true
  const after = new AbortController()
  const receipt = await anna.messaging.sendText(ben.node.self, 'c', { signal: after.signal })
  after.abort(new Error('too slow'))
  expect((await errorOf(receipt.acknowledged)).message).toBe('too slow')
  expect((await errorOf(anna.messaging.sendText(ben.node.self, 'd', { signal: after.signal }))).message).toBe(
    'too slow',
  )
})

test('aborting the only message that waits ends the dial, and the next message dials again', async () => {
  const { anna, ben } = pair()
  const controller = new AbortController()
  anna.node.gate = new Promise(() => {})
  const waiting = errorOf(anna.messaging.sendText(ben.node.self, 'a', { signal: controller.signal }))
  controller.abort(new Error('no'))
  await waiting
  anna.node.gate = undefined
  await (await anna.messaging.sendText(ben.node.self, 'b')).acknowledged
  expect(anna.node.dials).toBe(2)
})

test('a full outbox refuses further messages until some are through', async () => {
  const { anna, ben } = pair({ anna: { limits: { outboxMessages: 3 } } })
  let open = (): void => {}
  anna.node.gate = new Promise((resolve) => {
    open = resolve
  })
  const waiting = [1, 2, 3].map((number) => anna.messaging.sendText(ben.node.self, `${number}`))
  expect(await errorOf(anna.messaging.sendText(ben.node.self, '4'))).toMatchObject({ code: 'OUTBOX_FULL' })
  open()
  await Promise.all(waiting)
  await anna.messaging.sendText(ben.node.self, '5')
})

test('bytes fill an outbox as well, one by one and together', async () => {
  for (const limits of [{ outboxBytes: 10_000 }, { outboxTotalBytes: 10_000 }]) {
    const { anna, ben } = pair({ anna: { limits } })
    anna.node.gate = new Promise(() => {})
    void anna.messaging.sendText(ben.node.self, 'x'.repeat(4_000)).catch(() => {})
    expect(await errorOf(anna.messaging.sendText(ben.node.self, 'x'.repeat(4_000)))).toMatchObject({
      code: 'OUTBOX_FULL',
    })
    await anna.messaging.close({ signal: AbortSignal.abort() })
  }
})

test.each([
  ['too large', 'x'.repeat(70_000), 'TOO_LARGE'],
  ['too large with its envelope', 'x'.repeat(65_536), 'TOO_LARGE'],
  ['no data', () => {}, 'BAD_PAYLOAD'],
])('a payload that is %s rejects, and hurts no other', async (_what, payload, code) => {
  const { anna, ben } = pair()
  ben.messaging.onMessage('any', { access: 'anyone' }, () => {})
  const failure = errorOf(anna.messaging.send<unknown>(ben.node.self, 'any', payload))
  const next = anna.messaging.sendText(ben.node.self, 'fine')
  expect(await failure).toMatchObject({ code })
  await (await next).acknowledged
})

test('the payload may change after the call', async () => {
  const { anna, ben } = pair()
  ben.messaging.onMessage('list', { access: 'anyone' }, () => {})
  const payload = [1]
  const sent = anna.messaging.send(ben.node.self, 'list', payload)
  payload.push(2)
  await (await sent).acknowledged
  expect(await texts(ben.messaging.inbox)).toEqual([[1]])
})

test('a second connection does not let a later message overtake an earlier one', async () => {
  const { anna, ben, network } = pair()
  network.held = true
  const first = await anna.messaging.sendText(ben.node.self, 'first')
  const old = anna.node.current(ben.node.self)
  anna.node.connectTo(ben.node)
  const second = anna.messaging.sendText(ben.node.self, 'second')
  await turn()
  expect(anna.node.current(ben.node.self)?.sent).toEqual([])
  network.release()
  await first.acknowledged
  await (await second).acknowledged
  expect(old?.headers()).toEqual(['pc/message'])
  expect(await texts(ben.messaging.inbox)).toEqual(['first', 'second'])
})

test('names are checked here, before anything is sent', async () => {
  const { anna, ben } = pair()
  expect(await errorOf(anna.messaging.send(ben.node.self, '', 1))).toMatchObject({ code: 'BAD_ARGUMENT' })
  expect(() => anna.messaging.onMessage('a\nb', { access: 'anyone' }, () => {})).toThrow(
    expect.objectContaining<Partial<MessagingError>>({ code: 'BAD_ARGUMENT' }),
  )
  expect(anna.node.dials).toBe(0)
})

test('different peers have streams of their own', async () => {
  const { anna, ben, network, clock } = pair()
  const carl = peer(network, clock, 3)
  expect(network).toBeInstanceOf(FakeNetwork)
  const receipts = await Promise.all([
    anna.messaging.sendText(ben.node.self, 'b'),
    anna.messaging.sendText(carl.node.self, 'c'),
  ])
  await Promise.all(receipts.map((receipt) => receipt.acknowledged))
  expect(receipts[0]?.id).not.toBe(receipts[1]?.id)
  expect(await texts(carl.messaging.inbox)).toEqual(['c'])
})
