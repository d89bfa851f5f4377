import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { defineRequest, MessagingError, type StandardSchemaV1 } from '../src/index.js'
import { errorOf, pair, peer } from './_util/peers.js'

test('a request is answered with what its handler returns', async () => {
  const { anna, ben, clock } = pair()
  ben.messaging.handle<{ a: number; b: number }, number>('sum', { access: 'anyone' }, ({ a, b }, context) => {
    expect(context.peer.equals(anna.node.self)).toBe(true)
    expect(context.remainingMs).toBe(10_000)
    expect(context.signal.aborted).toBe(false)
    return a + b
  })
  expect(await anna.messaging.request(ben.node.self, 'sum', { a: 2, b: 3 })).toBe(5)
  expect(ben.messaging.requests.headers()).toEqual(['sum'])
  expect(clock.pending).toBe(0)
})

test('both sides ask over one connection, and nothing is null', async () => {
  const { anna, ben } = pair()
  ben.messaging.handle('nothing', { access: 'anyone' }, () => undefined)
  anna.messaging.handle<string, string>('echo', { access: 'anyone' }, (text) => text)
  expect(await anna.messaging.request(ben.node.self, 'nothing', undefined)).toBeNull()
  expect(await ben.messaging.request(anna.node.self, 'echo', 'hi')).toBe('hi')
  expect(anna.node.dials + ben.node.dials).toBe(1)
})

test.each([
  ['no handler', {}, 'unknown', 'NO_HANDLER', '"unknown"'],
  ['no access', {}, 'trusted', 'DENIED', '"trusted"'],
  ['a handler that throws', {}, 'throws', 'HANDLER_FAILED', 'the handler of "throws" failed'],
  ['a handler that says why', {}, 'says', 'BUSY', 'no seat free'],
  ['an exposed error', {}, 'exposed', 'HANDLER_FAILED', 'sold out'],
  ['a result that is no data', {}, 'function', 'BAD_OUTPUT', '"function"'],
  ['a result that is too large', {}, 'large', 'TOO_LARGE', '"large"'],
])('%s', async (_what, _none, name, code, text) => {
  const { anna, ben } = pair()
  ben.messaging.handle('trusted', { access: 'trusted' }, () => 1)
  ben.messaging.handle('throws', { access: 'anyone' }, () => {
    throw new Error('the password is 1234')
  })
  ben.messaging.handle('says', { access: 'anyone' }, () => {
    throw new MessagingError('BUSY', 'no seat free')
  })
  ben.messaging.handle('exposed', { access: 'anyone' }, () => {
    throw Object.assign(new Error('sold out'), { expose: true, code: 'SOLD_OUT' })
  })
  ben.messaging.handle('function', { access: 'anyone' }, () => () => {})
  ben.messaging.handle('large', { access: 'anyone' }, () => 'x'.repeat(70_000))
  ben.messaging.handle('fine', { access: 'anyone' }, () => 'fine')
  const error = await errorOf(anna.messaging.request(ben.node.self, name, null))
  expect(error).toMatchObject({ code, remote: true })
  expect(error.message).toContain(text)
  expect(error.message).not.toContain('1234')
  if (name === 'exposed') expect(error).toMatchObject({ details: { code: 'SOLD_OUT' } })
  expect(await anna.messaging.request(ben.node.self, 'fine', null)).toBe('fine')
})

test('an error from a third peer is not taken for one of the handler’s own', async () => {
  const { anna, ben, network, clock } = pair()
  const carl = peer(network, clock, 3)
  ben.messaging.handle('relay', { access: 'anyone' }, () => ben.messaging.request(carl.node.self, 'missing', null))
  const error = await errorOf(anna.messaging.request(ben.node.self, 'relay', null))
  expect(error).toMatchObject({ code: 'HANDLER_FAILED', details: { code: 'NO_HANDLER' } })
})

test('an absent peer: PEER_OFFLINE; oneself: SELF', async () => {
  const { anna, ben } = pair()
  ben.node.online = false
  expect(await errorOf(anna.messaging.request(ben.node.self, 'x', 1))).toMatchObject({ code: 'PEER_OFFLINE' })
  expect(await errorOf(anna.messaging.request(anna.node.self, 'x', 1))).toMatchObject({ code: 'SELF' })
})

test('the deadline travels: the caller gets DEADLINE, and the handler is told', async () => {
  const { anna, ben, clock } = pair()
  let signal: AbortSignal | undefined
  ben.messaging.handle('slow', { access: 'anyone' }, (_input, context) => {
    signal = context.signal
    return new Promise(() => {})
  })
  const failure = errorOf(anna.messaging.request(ben.node.self, 'slow', null, { timeoutMs: 300 }))
  await clock.advance(299)
  expect(signal?.aborted).toBe(false)
  await clock.advance(1)
  expect(await failure).toMatchObject({ code: 'DEADLINE', remote: false, retryable: true })
  expect(signal?.aborted).toBe(true)
  await turn()
  expect(clock.pending).toBe(0)
})

test('a deadline covers the dial too', async () => {
  const { anna, ben, clock } = pair()
  anna.node.gate = new Promise(() => {})
  const failure = errorOf(anna.messaging.request(ben.node.self, 'x', null, { timeoutMs: 50 }))
  await clock.advance(50)
  expect(await failure).toMatchObject({ code: 'DEADLINE' })
})

test('a time that no timer can hold is shortened, and one that is no time refused', async () => {
  const { anna, ben, clock } = pair()
  let remaining: number | undefined
  ben.messaging.handle('x', { access: 'anyone' }, (_input, { remainingMs }) => {
    remaining = remainingMs
    return 1
  })
  for (const timeoutMs of [Number.POSITIVE_INFINITY, 2 ** 31]) {
    expect(await anna.messaging.request(ben.node.self, 'x', null, { timeoutMs })).toBe(1)
  }
  expect(remaining).toBe(600_000)
  for (const timeoutMs of [Number.NaN, -1]) {
    for (const call of [
      anna.messaging.request(ben.node.self, 'x', null, { timeoutMs }),
      anna.messaging.ping(ben.node.self, { timeoutMs }),
      anna.messaging.sendText(ben.node.self, 'x', { timeoutMs }),
    ]) {
      expect(await errorOf(call)).toMatchObject({ code: 'BAD_ARGUMENT' })
    }
  }
  expect(clock.pending).toBe(0)
})

test('aborting rejects with the reason, and tells the handler', async () => {
  const { anna, ben } = pair()
  let reason: unknown
  ben.messaging.handle('slow', { access: 'anyone' }, (_input, { signal }) => {
    signal.addEventListener('abort', () => {
      reason = signal.reason
    })
    return new Promise(() => {})
  })
  const controller = new AbortController()
  const failure = errorOf(anna.messaging.request(ben.node.self, 'slow', null, { signal: controller.signal }))
  await turn()
  await turn()
  controller.abort(new Error('never mind'))
  expect((await failure).message).toBe('never mind')
  await expect.poll(() => reason).toMatchObject({ code: 'CANCELLED' })
  await turn()
  expect(anna.messaging.counters.lateReplies).toBe(0)
})

test('a late reply is dropped and counted', async () => {
  const { anna, ben, clock, network } = pair()
  ben.messaging.handle('slow', { access: 'anyone' }, () => 'done')
  await anna.messaging.ping(ben.node.self)
  await turn()
  network.held = true
  const failure = errorOf(anna.messaging.request(ben.node.self, 'slow', null, { timeoutMs: 100 }))
  network.release()
  network.held = true
  await turn()
  await turn() // the reply is held now
  await clock.advance(100)
  expect(await failure).toMatchObject({ code: 'DEADLINE' })
  network.release()
  await expect.poll(() => anna.messaging.counters.lateReplies).toBe(1)
})

test('a lost connection rejects the caller and aborts the handler', async () => {
  const { anna, ben } = pair()
  let signal: AbortSignal | undefined
  ben.messaging.handle('slow', { access: 'anyone' }, (_input, context) => {
    signal = context.signal
    return new Promise(() => {})
  })
  const failure = errorOf(anna.messaging.request(ben.node.self, 'slow', null))
  await expect.poll(() => signal).toBeDefined()
  anna.node.current(ben.node.self)?.cut()
  expect(await failure).toMatchObject({ code: 'CONNECTION_LOST', retryable: true })
  await expect.poll(() => signal?.reason).toMatchObject({ code: 'CONNECTION_LOST' })
})

test('a handler that hangs blocks neither other handlers nor other peers', async () => {
  const { anna, ben, network, clock } = pair()
  const carl = peer(network, clock, 3)
  ben.messaging.handle<string, string>('work', { access: 'anyone', concurrency: 4, queue: 4 }, (input) =>
    input === 'hang' ? new Promise<string>(() => {}) : 'done',
  )
  ben.messaging.handle('other', { access: 'anyone' }, () => 'fine')
  const hanging = Array.from({ length: 4 }, () => errorOf(anna.messaging.request(ben.node.self, 'work', 'hang')))
  await turn()
  expect(await errorOf(anna.messaging.request(ben.node.self, 'work', 'one more'))).toMatchObject({
    code: 'BUSY',
    remote: true,
    retryable: true,
  })
  expect(await anna.messaging.request(ben.node.self, 'other', null)).toBe('fine')
  expect(await carl.messaging.request(ben.node.self, 'work', 'quick')).toBe('done')
  await clock.advance(10_000)
  for (const failure of hanging) expect(await failure).toMatchObject({ code: 'DEADLINE' })
  await turn()
  // The handlers still hang, but they no longer have the places.
  expect(await anna.messaging.request(ben.node.self, 'work', 'quick')).toBe('done')
})

test('handlers that ignore their signal keep their places in the end', async () => {
  const { anna, ben, clock } = pair()
  ben.messaging.handle('hang', { access: 'anyone', concurrency: 1, queue: 0 }, () => new Promise(() => {}))
  const ask = async (): Promise<string | undefined> => {
    const failure = errorOf(anna.messaging.request(ben.node.self, 'hang', null, { timeoutMs: 10 }))
    await turn()
    await turn()
    await clock.advance(10)
    return (await failure).code
  }
  const codes: (string | undefined)[] = []
  for (let count = 0; count < 5; count++) codes.push(await ask())
  expect(codes).toEqual(['DEADLINE', 'DEADLINE', 'DEADLINE', 'BUSY', 'BUSY'])
})

test('whoever asks and gives up, again and again, shuts out nobody else, even if the handler ignores its signal', async () => {
  const { anna, ben, network, clock } = pair()
  const carl = peer(network, clock, 3)
  let hanging = 0
  ben.messaging.handle<string, string>('work', { access: 'anyone', concurrency: 4, queue: 4 }, (input) => {
    if (input !== 'hang') return 'done'
    hanging++
    return new Promise<string>(() => {})
  })
  for (let count = 0; count < 40; count++) {
    const giveUp = new AbortController()
    const failure = errorOf(anna.messaging.request(ben.node.self, 'work', 'hang', { signal: giveUp.signal }))
    await clock.advance(0)
    giveUp.abort(new Error('never mind'))
    await failure
    await clock.advance(0)
  }
  expect(hanging).toBe(10) // 8 are left behind, 2 keep anna's half of the places
  expect(await carl.messaging.request(ben.node.self, 'work', 'quick')).toBe('done')
})

test('own requests that wait are bounded', async () => {
  const { anna, ben } = pair({ anna: { limits: { pendingRequests: 2 } } })
  ben.messaging.handle('slow', { access: 'anyone' }, () => new Promise(() => {}))
  const waiting = [1, 2].map(() => errorOf(anna.messaging.request(ben.node.self, 'slow', null)))
  await turn()
  expect(await errorOf(anna.messaging.request(ben.node.self, 'slow', null))).toMatchObject({
    code: 'BUSY',
    remote: false,
  })
  await anna.messaging.close({ signal: AbortSignal.abort() })
  for (const failure of waiting) expect(await failure).toMatchObject({ code: 'CLOSED' })
})

function schema<T>(check: (value: unknown) => boolean): StandardSchemaV1<T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: async (value) =>
        check(value)
          ? { value: value as T }
          : { issues: [{ message: 'wrong', path: [{ key: 'deep' }, 0] }, { message: 'all of it' }] },
    },
  }
}

test('a contract is checked on both ends of the handler, and types both sides', async () => {
  const { anna, ben } = pair()
  const square = defineRequest('square', {
    input: schema<number>((value) => typeof value === 'number'),
    output: schema<number>((value) => (value as number) < 100),
  })
  ben.messaging.handle(square, { access: 'anyone' }, (input) => input * input)
  const result: number = await anna.messaging.request(ben.node.self, square, 5)
  expect(result).toBe(25)
  expect(await errorOf(anna.messaging.request(ben.node.self, 'square', 'five'))).toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('deep.0: wrong; all of it'),
  })
  expect(await errorOf(anna.messaging.request(ben.node.self, square, 11))).toMatchObject({ code: 'BAD_OUTPUT' })
})

test('one handler a name; taken away, the name is free', async () => {
  const { anna, ben } = pair()
  const stop = ben.messaging.handle('x', { access: 'anyone' }, () => 1)
  expect(() => ben.messaging.handle('x', { access: 'anyone' }, () => 2)).toThrow(
    expect.objectContaining({ code: 'HANDLER_EXISTS' }),
  )
  expect(() => ben.messaging.handle('y', { access: 'anyone', concurrency: 0 }, () => 2)).toThrow(
    expect.objectContaining({ code: 'BAD_ARGUMENT' }),
  )
  stop()
  expect(await errorOf(anna.messaging.request(ben.node.self, 'x', null))).toMatchObject({ code: 'NO_HANDLER' })
  ben.messaging.handle('x', { access: 'anyone' }, () => 2)
  expect(await anna.messaging.request(ben.node.self, 'x', null)).toBe(2)
})

test('ping measures the round trip and says where the peer is', async () => {
  const { anna, ben } = pair()
  expect(await anna.messaging.ping(ben.node.self)).toEqual({ roundTripMs: 1, address: { host: '127.0.0.1', port: 1 } })
  expect(await errorOf(anna.messaging.ping(anna.node.self))).toMatchObject({ code: 'SELF' })
})

test('a thousand requests at once are all answered, or told to try again', async () => {
  const { anna, ben } = pair()
  ben.messaging.handle<number, number>('double', { access: 'anyone', queue: 4_096 }, async (number) => {
    await turn()
    return 2 * number
  })
  const replies = await Promise.all(
    Array.from({ length: 1_000 }, (_, number) =>
      anna.messaging.request<number, number>(ben.node.self, 'double', number),
    ),
  )
  expect(replies).toEqual(Array.from({ length: 1_000 }, (_, number) => 2 * number))
})
