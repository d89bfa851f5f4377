/** Over the real connector, on a network in this process: real streams, HELLO, simultaneous dials, broken streams. */
import { MemoryNetwork } from '@pc/transport'
import { afterEach, expect, test } from 'vitest'
import type { MessagingOptions } from '../src/index.js'
import { MemoryPeer } from './_util/memory-peer.js'
import { errorOf } from './_util/peers.js'

const running: MemoryPeer[] = []

async function peers(count: number, options: Partial<MessagingOptions> = {}): Promise<MemoryPeer[]> {
  const network = new MemoryNetwork()
  for (let seed = 1; seed <= count; seed++) running.push(await MemoryPeer.start(network, seed, options))
  for (const peer of running) peer.knows(...running.filter((other) => other !== peer))
  return [...running]
}

async function two(options?: Partial<MessagingOptions>): Promise<[MemoryPeer, MemoryPeer]> {
  const [anna, ben] = await peers(2, options)
  if (anna === undefined || ben === undefined) throw new Error('two peers were started')
  return [anna, ben]
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.close()))
})

test('messages and requests go both ways', async () => {
  const [anna, ben] = await two()
  ben.messaging.handle<string, string>('upper', { access: 'anyone' }, (text) => text.toUpperCase())
  expect(await anna.messaging.request(ben.id, 'upper', 'hi')).toBe('HI')
  await (await ben.messaging.sendText(anna.id, 'hello')).acknowledged
  expect(await anna.messaging.inbox.list()).toMatchObject([{ payload: 'hello', from: ben.id }])
  const pong = await anna.messaging.ping(ben.id)
  expect(pong.roundTripMs).toBeGreaterThanOrEqual(0)
  expect(pong.address).toEqual({ host: '10.0.0.2', port: 3485 })
})

test('its own id is refused, an unknown and an absent peer are offline', async () => {
  const [anna, ben] = await two()
  expect(await errorOf(anna.messaging.sendText(anna.id, 'x'))).toMatchObject({ code: 'SELF' })
  expect(await errorOf(anna.messaging.request(anna.id, 'x', 1))).toMatchObject({ code: 'SELF' })
  await ben.close()
  expect(await errorOf(anna.messaging.sendText(ben.id, 'x'))).toMatchObject({ code: 'PEER_OFFLINE' })
})

test('both sides begin at once: nothing is lost, nothing comes twice, order is kept', async () => {
  const everybody = await peers(4)
  for (const peer of everybody)
    peer.messaging.handle<number, number>('next', { access: 'anyone', queue: 4_096 }, (n) => n + 1)
  const numbers = Array.from({ length: 100 }, (_, index) => index)
  const work: Promise<unknown>[] = []
  for (const from of everybody) {
    for (const to of everybody) {
      if (from === to) continue
      for (const number of numbers) {
        work.push(from.messaging.send(to.id, 'text', `${number}`).then((receipt) => receipt.acknowledged))
        work.push(
          from.messaging.request<number, number>(to.id, 'next', number).then((reply) => expect(reply).toBe(number + 1)),
        )
      }
    }
  }
  await Promise.all(work)
  for (const peer of everybody) {
    const inbox = await peer.messaging.inbox.list({ limit: 1_000 })
    for (const from of everybody) {
      if (from === peer) continue
      const texts = inbox.filter((message) => message.from.equals(from.id)).map((message) => message.payload)
      expect(texts).toEqual(numbers.map(String))
    }
  }
})

test('streams that break in the middle: each message is settled, stored at most once, in order', async () => {
  const [anna, ben] = await two()
  const outcomes = new Map<number, string>()
  const work: Promise<unknown>[] = []
  for (let number = 0; number < 500; number++) {
    const sent = anna.messaging.sendText(ben.id, `${number}`).then((receipt) => receipt.acknowledged)
    work.push(
      sent.then(
        () => outcomes.set(number, 'acknowledged'),
        (error: { code: string }) => outcomes.set(number, error.code),
      ),
    )
    if (number % 50 === 49) {
      await sent.catch(() => {})
      void anna.messaging.sendText(ben.id, 'cut').catch(() => {})
      ben.cut()
    }
  }
  await Promise.all(work)
  const stored = (await ben.messaging.inbox.list({ limit: 1_000 }))
    .filter((message) => message.payload !== 'cut')
    .map((message) => Number(message.payload))
  expect(stored).toEqual([...new Set(stored)].sort((a, b) => a - b))
  expect(outcomes.size).toBe(500)
  for (const [number, outcome] of outcomes) {
    if (outcome === 'acknowledged') expect(stored).toContain(number)
    else expect(outcome).toBe('CONNECTION_LOST')
  }
})

test('a result that fits into no frame is an error reply, and the connection stays', async () => {
  const [anna, ben] = await two()
  let connections = 0
  anna.connector.events.on('connected', () => connections++)
  ben.messaging.handle('large', { access: 'anyone' }, () => new Uint8Array(100_000))
  expect(await errorOf(anna.messaging.request(ben.id, 'large', null))).toMatchObject({
    code: 'TOO_LARGE',
    remote: true,
  })
  expect(await errorOf(anna.messaging.sendText(ben.id, 'x'.repeat(65_530)))).toMatchObject({ code: 'TOO_LARGE' })
  await (await anna.messaging.sendText(ben.id, 'x'.repeat(65_000))).acknowledged
  expect(connections).toBe(1)
})

test('large messages in a row fill no queue', async () => {
  const [anna, ben] = await two({ inbox: { maxBytes: 64 * 1_048_576 } })
  const payload = 'x'.repeat(60_000)
  const receipts = await Promise.all(Array.from({ length: 200 }, () => anna.messaging.sendText(ben.id, payload)))
  await Promise.all(receipts.map((receipt) => receipt.acknowledged))
  expect(ben.messaging.counters.refusedMessages).toBe(0)
})

test('a peer that closes answers what it accepted', async () => {
  const [anna, ben] = await two()
  let finish = (): void => {}
  const gate = new Promise<void>((resolve) => {
    finish = resolve
  })
  let asked = (): void => {}
  const arrived = new Promise<void>((resolve) => {
    asked = resolve
  })
  ben.messaging.handle('slow', { access: 'anyone' }, async () => {
    asked()
    await gate
    return 'done'
  })
  const reply = anna.messaging.request(ben.id, 'slow', null)
  await arrived
  const closing = ben.close()
  finish()
  expect(await reply).toBe('done')
  await closing
})
