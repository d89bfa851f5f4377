import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { errorOf, pair } from './_util/peers.js'

test('close waits for what is under way: own requests, served requests, messages, handlers', async () => {
  const { anna, ben } = pair()
  let finish = (): void => {}
  const gate = new Promise<void>((resolve) => {
    finish = resolve
  })
  const handled: string[] = []
  ben.messaging.handle('slow', { access: 'anyone' }, async () => {
    await gate
    return 'done'
  })
  ben.messaging.onMessage<string>('note', { access: 'anyone' }, async (message) => {
    await gate
    handled.push(message.payload)
  })
  const reply = anna.messaging.request(ben.node.self, 'slow', null)
  await (await anna.messaging.send(ben.node.self, 'note', 'a')).acknowledged
  await (await anna.messaging.send(ben.node.self, 'note', 'b')).acknowledged
  let closed = false
  const closing = ben.messaging.close().then(() => {
    closed = true
  })
  await turn()
  expect(closed).toBe(false)
  expect(await errorOf(anna.messaging.request(ben.node.self, 'slow', null))).toMatchObject({ code: 'SHUTTING_DOWN' })
  const late = await anna.messaging.sendText(ben.node.self, 'too late')
  expect(await errorOf(late.acknowledged)).toMatchObject({ code: 'SHUTTING_DOWN', retryable: true })
  finish()
  expect(await reply).toBe('done')
  await closing
  expect(handled).toEqual(['a', 'b'])
  expect(ben.node.listeners).toBe(0)
})

test('close gives up after its time, and everything settles', async () => {
  const { anna, ben, clock, network } = pair()
  let signal: AbortSignal | undefined
  anna.messaging.handle('slow', { access: 'anyone' }, (_input, context) => {
    signal = context.signal
    return new Promise(() => {})
  })
  ben.messaging.handle('slow', { access: 'anyone' }, () => new Promise(() => {}))
  const asked = errorOf(ben.messaging.request(anna.node.self, 'slow', null))
  const own = errorOf(anna.messaging.request(ben.node.self, 'slow', null))
  await turn()
  await turn()
  network.held = true
  const receipt = await anna.messaging.sendText(ben.node.self, 'x')
  const closing = anna.messaging.close()
  expect(anna.messaging.close()).toBe(closing)
  await clock.advance(5_000)
  await closing
  expect(await errorOf(receipt.acknowledged)).toMatchObject({ code: 'CLOSED' })
  expect(await own).toMatchObject({ code: 'CLOSED' })
  expect(signal?.aborted).toBe(true)
  network.release()
  expect(await asked).toMatchObject({ code: 'SHUTTING_DOWN', remote: true })
})

test('an aborted close does not wait, and may come after a polite one', async () => {
  const { anna, ben, network } = pair()
  network.held = true
  const receipt = await anna.messaging.sendText(ben.node.self, 'x')
  const polite = anna.messaging.close()
  await anna.messaging.close({ signal: AbortSignal.abort() })
  await polite
  expect(await errorOf(receipt.acknowledged)).toMatchObject({ code: 'CLOSED' })
})

test('closed is closed', async () => {
  const { anna, ben } = pair()
  await anna.messaging[Symbol.asyncDispose]()
  await anna.messaging.close()
  for (const call of [
    () => anna.messaging.sendText(ben.node.self, 'x'),
    () => anna.messaging.request(ben.node.self, 'x', 1),
    () => anna.messaging.ping(ben.node.self),
  ]) {
    expect(await errorOf(call())).toMatchObject({ code: 'CLOSED' })
  }
  expect(() => anna.messaging.handle('x', { access: 'anyone' }, () => 1)).toThrow(
    expect.objectContaining({ code: 'CLOSED' }),
  )
  expect(() => anna.messaging.onMessage('text', { access: 'anyone' }, () => {})).toThrow(
    expect.objectContaining({ code: 'CLOSED' }),
  )
  expect((await anna.messaging.inbox.follow().next()).done).toBe(true)
})

test('nothing is left behind: no timers, no counters', async () => {
  const { anna, ben, clock } = pair()
  ben.messaging.handle('x', { access: 'anyone' }, () => 1)
  await anna.messaging.request(ben.node.self, 'x', null)
  await (await anna.messaging.sendText(ben.node.self, 'x')).acknowledged
  expect(anna.messaging.counters).toMatchObject({ unsettledMessages: 0, pendingRequests: 0 })
  await anna.messaging.close()
  await ben.messaging.close()
  expect(clock.pending).toBe(0)
})

test('close ends dials and pings that are under way, and leaves no timer', async () => {
  const { anna, ben, clock } = pair()
  const connection = await anna.node.control(ben.node.self)
  connection.ping = () => new Promise(() => {})
  const ping = errorOf(anna.messaging.ping(ben.node.self, { timeoutMs: 60_000 }))
  await turn()
  anna.node.gate = new Promise(() => {})
  connection.cut()
  const dialling = errorOf(anna.messaging.request(ben.node.self, 'x', null, { timeoutMs: 60_000 }))
  const closing = anna.messaging.close()
  await clock.advance(5_000)
  await closing
  expect(await ping).toMatchObject({ code: 'CLOSED' })
  expect(await dialling).toMatchObject({ code: 'CLOSED' })
  expect(clock.pending).toBe(0)
})

test('a request that is given up by close is cancelled at the other side', async () => {
  const { anna, ben, clock } = pair()
  let signal: AbortSignal | undefined
  ben.messaging.handle('slow', { access: 'anyone' }, (_input, context) => {
    signal = context.signal
    return new Promise(() => {})
  })
  const own = errorOf(anna.messaging.request(ben.node.self, 'slow', null, { timeoutMs: 60_000 }))
  await clock.advance(0)
  const closing = anna.messaging.close()
  await clock.advance(5_000)
  await closing
  expect(await own).toMatchObject({ code: 'CLOSED' })
  await clock.advance(0)
  expect(signal?.reason).toMatchObject({ code: 'CANCELLED' })
})
