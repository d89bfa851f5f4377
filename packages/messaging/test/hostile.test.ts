/** What a proved peer that keeps no rules can do with frames: nothing to anybody else, and nothing to this process. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Value } from '@pc/wire'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readPosition } from '../src/frames.js'
import type { FakeConnection } from './_util/fake-network.js'
import { errorOf, pair, type TestPair } from './_util/peers.js'

const epoch = new Uint8Array(8)

/** Anna speaks raw frames to Ben. */
async function attack(): Promise<TestPair & { raw: FakeConnection; answers: () => [string, Value][] }> {
  const peers = pair()
  peers.ben.messaging.handle<Value, Value>('echo', { access: 'anyone' }, (input) => input)
  const raw = await peers.anna.node.control(peers.ben.node.self)
  const answers = (): [string, Value][] =>
    peers.ben.node.current(peers.anna.node.self)?.sent.map((message) => [message.header, message.body]) ?? []
  return { ...peers, raw, answers }
}

test('headers of later versions, and of others, are counted and ignored', async () => {
  const { raw, ben, answers } = await attack()
  await raw.send('pc/newer', 1, { code: 1 })
  await raw.send('chess/move', 2, null)
  await expect.poll(() => ben.messaging.counters.unknownFrames).toBe(2)
  expect(answers()).toEqual([])
})

test.each<[string, Value]>([
  ['pc/request', null],
  ['pc/request', { name: 5, ttl: 1, body: 1 }],
  ['pc/request', { name: 'echo', ttl: -1, body: 1 }],
  ['pc/request', { name: 'echo', ttl: 1 }],
  ['pc/message', null],
  ['pc/message', { epoch: 'short', seq: 1 }],
])('%s with the body %j is answered BAD_INPUT', async (header, body) => {
  const { raw, ben, answers } = await attack()
  await raw.send(header, 9, body)
  await expect.poll(() => answers()).toMatchObject([['pc/error', { code: 4 }]])
  expect(ben.messaging.counters.malformedFrames).toBe(1)
})

test('a message that can only be placed is refused in its place', async () => {
  const { raw, answers } = await attack()
  await raw.send('pc/message', 1, { epoch, seq: 1, type: 7 })
  await raw.send('pc/message', 2, { epoch, seq: 2, type: 'text', at: 1, ttl: 1, body: 'fine' })
  await expect
    .poll(() => answers())
    .toEqual([
      ['pc/error', expect.objectContaining({ code: 4, details: { epoch, seq: 1 } })],
      ['pc/ack', { epoch, seq: 2 }],
    ])
})

test.each(['pc/reply', 'pc/error', 'pc/ack', 'pc/cancel'])('%s never causes an answer', async (header) => {
  const { raw, answers } = await attack()
  for (const body of [null, 1, {}, { body: 1 }, { epoch, seq: 5 }, { code: 3, text: '', retryable: true }]) {
    await raw.send(header, 3, body as Value)
  }
  await turn()
  await turn()
  expect(answers()).toEqual([])
})

test('nobody can acknowledge, or refuse, what was sent to somebody else or never', async () => {
  const { raw, ben, anna, network } = await attack()
  network.held = true
  const receipt = await ben.messaging.sendText(anna.node.self, 'x')
  let settled = false
  receipt.acknowledged.then(
    () => {
      settled = true
    },
    () => {
      settled = true
    },
  )
  const [frame] = ben.node.current(anna.node.self)?.sent ?? []
  const real = readPosition(frame?.body ?? null)?.epoch ?? epoch
  network.lose()
  await raw.send('pc/ack', 1, { epoch, seq: 1 })
  await raw.send('pc/ack', 2, { epoch: real, seq: 2 })
  await raw.send('pc/ack', 3, { epoch: real, seq: Number.MAX_SAFE_INTEGER })
  await raw.send('pc/error', 4, { code: 2, text: 'no', retryable: false, details: { epoch, seq: 1 } })
  await turn()
  await turn()
  expect(settled).toBe(false)
  await raw.send('pc/ack', 5, { epoch: real, seq: 1 })
  await receipt.acknowledged
})

test('a reply that cannot be read ends the request', async () => {
  const { anna, ben } = pair()
  ben.messaging.handle('x', { access: 'anyone' }, () => new Promise(() => {}))
  for (const [header, body] of [
    ['pc/reply', 7],
    ['pc/error', { code: 'x' }],
  ] as const) {
    const failure = errorOf(anna.messaging.request(ben.node.self, 'x', null))
    await turn()
    await turn()
    const id = anna.node.current(ben.node.self)?.sent.at(-1)?.id
    await ben.node.current(anna.node.self)?.send(header, Number(id), body)
    expect(await failure).toMatchObject({ code: 'BAD_REPLY' })
  }
})

test('an id that is in service cannot be used twice, and a request cannot ask for ever', async () => {
  const { anna, ben, clock } = pair({ ben: { limits: { maxServiceMs: 1_000, servedRequests: 2 } } })
  const raw = await anna.node.control(ben.node.self)
  const signals: AbortSignal[] = []
  ben.messaging.handle('hang', { access: 'anyone' }, (_input, { signal }) => {
    signals.push(signal)
    return new Promise(() => {})
  })
  const ask = (id: number): Promise<void> => raw.send('pc/request', id, { name: 'hang', ttl: 2 ** 50, body: null })
  await ask(1)
  await ask(1)
  await ask(2)
  await ask(3)
  const answers = (): [number, unknown][] =>
    ben.node.current(anna.node.self)?.sent.map(({ id, body }) => [Number(id), (body as { code: number }).code]) ?? []
  await expect
    .poll(() => answers())
    .toEqual([
      [1, 4],
      [3, 3],
    ])
  await clock.advance(1_000)
  expect(answers().slice(2)).toEqual([
    [1, 7],
    [2, 7],
  ])
  expect(signals.every((signal) => signal.aborted)).toBe(true)
})

const anyBody: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Value>(null, true, 0, 1, -1, 1.5, 2, Number.MAX_SAFE_INTEGER, 'text', 'echo', epoch),
    fc.uint8Array({ maxLength: 9 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.record({
      type: fc.constantFrom('text', 'x'),
      epoch: fc.constant(epoch),
      seq: fc.nat(9),
      at: fc.nat(),
      ttl: fc.nat(),
      body: tie('value'),
    }),
    fc.record({ name: fc.constantFrom('echo', 'x'), ttl: fc.nat(), body: tie('value') }),
    fc.record({ code: fc.nat(70_000), text: fc.string(), retryable: fc.boolean(), details: tie('value') }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 3 }),
  ),
})).value

test('no sequence of frames breaks the receiver', async () => {
  const headers = ['pc/request', 'pc/reply', 'pc/error', 'pc/cancel', 'pc/message', 'pc/ack', 'pc/what']
  const frames = fc.array(fc.tuple(fc.constantFrom(...headers), fc.nat(5), anyBody), { maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(frames, async (list) => {
      const { raw, ben, anna } = await attack()
      for (const [header, id, body] of list) await raw.send(header, id, body).catch(() => {})
      await turn()
      await turn()
      expect(ben.logger.messages('error')).toEqual([])
      // Ben still answers, and still takes messages.
      expect(await anna.messaging.request(ben.node.self, 'echo', 'alive')).toBe('alive')
      await (await anna.messaging.sendText(ben.node.self, 'alive')).acknowledged
    }),
    { numRuns: 200 },
  )
})

test('a refusal that finds no room goes out before any acknowledgement that covers it', async () => {
  const { anna, ben } = pair()
  await anna.node.control(ben.node.self)
  const back = ben.node.current(anna.node.self)
  if (back === undefined) throw new Error('expected a connection')
  const send = back.send.bind(back)
  let full = true
  back.send = (header, id, body) => {
    if (full && header === 'pc/error') {
      return Promise.reject(Object.assign(new Error('full'), { code: 'SEND_QUEUE_FULL' }))
    }
    return send(header, id, body)
  }
  const refused = await anna.messaging.send(ben.node.self, 'nobody takes it', 1)
  await turn()
  await turn()
  const stored = await anna.messaging.sendText(ben.node.self, 'a')
  await turn()
  await turn()
  expect(back.sent).toEqual([])
  full = false
  const next = await anna.messaging.sendText(ben.node.self, 'b')
  expect(await errorOf(refused.acknowledged)).toMatchObject({ code: 'NO_HANDLER', remote: true })
  await stored.acknowledged
  await next.acknowledged
  expect(back.headers()).toEqual(['pc/error', 'pc/ack'])
})

test('whoever sends and never reads is answered no more, and costs a bounded number of answers', async () => {
  const { raw, ben, anna } = await attack()
  const back = ben.node.current(anna.node.self)
  if (back === undefined) throw new Error('expected a connection')
  back.stuck = true
  for (let seq = 1; seq <= 200; seq++)
    await raw.send('pc/message', seq, { epoch, seq, type: 'x', at: 1, ttl: 1, body: 1 })
  await raw.send('pc/message', 201, { epoch, seq: 201, type: 'text', at: 1, ttl: 1, body: 'stored' })
  await expect.poll(() => ben.messaging.inbox.size).toBe(1)
  expect(back.headers()).toEqual(['pc/error'])
  expect(ben.messaging.counters.refusedMessages).toBe(200)
})
