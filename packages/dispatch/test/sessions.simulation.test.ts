import type { DatagramEvent } from '@pc/dispatch'
import {
  COOKIE_BYTES,
  type Identity,
  packSessionPacket,
  readSessionPacket,
  type SessionPacket,
  sessionIndexOf,
} from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import type { Address } from '@pc/transport'
import { encodeValue, type Value } from '@pc/wire'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { packEarly, packWithId } from '../src/sessions/sealed-message.js'
import { type Door, fakeSocket, identityOf, initiation, Lan, OPEN, PORT, secretNetwork } from './_util/doors.js'

const MINUTE = 60_000
const lans: Lan[] = []

function lan(...options: ConstructorParameters<typeof Lan>): Lan {
  const made = new Lan(...options)
  lans.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(lans.splice(0).map((one) => one.close()))
})

const to = ({ id, address }: Door): { id: Door['id']; address: Address } => ({ id, address })
const quietly = <T>(promise: Promise<T>): Promise<T | string> =>
  promise.catch((error: { code?: string }) => error.code ?? String(error))

/** Settles a call in virtual time. */
async function ask(net: Lan, from: Door, at: Door, body: Value = 1, rootCode = 0x80): Promise<Value | string> {
  const reply = quietly(from.endpoint.submit(to(at), rootCode, body, { idempotent: rootCode === 0x81 }))
  await until(net, reply)
  return reply
}

async function until(net: Lan, ...promises: Promise<unknown>[]): Promise<void> {
  let left = promises.length
  for (const one of promises) void one.then(() => left--)
  await net.clock.runUntil(() => left === 0, { limitMs: 30_000 })
}

const NOTHING = { sessions: 0, unconfirmed: 0, handshakes: 0, pairs: 0, pending: 0, handling: 0 }

describe('sessions on a bad network', () => {
  const weather = { loss: 0.2, duplication: 0.2, reordering: 0.3, reorderMs: 60 }

  it.each([1, 2, 3])('every call settles once, and none runs twice (seed %d)', async (seed) => {
    const net = lan(`weather ${seed}`, weather)
    const doors = [await net.door(), await net.door(), await net.door()]
    const calls: Promise<Value | string>[] = []
    for (let n = 0; n < 200; n++) {
      const [from, at] = net.random.shuffle([...doors]) as [Door, Door, Door]
      const rootCode = n % 2 === 0 ? 0x80 : 0x81
      calls.push(
        quietly(from.endpoint.submit(to(at), rootCode, n, { timeoutMs: 5_000, idempotent: rootCode === 0x81 })),
      )
      if (n % 5 === 0) await net.clock.advance(net.random.float() * 20)
    }
    await until(net, ...calls)
    const results = await Promise.all(calls)
    // A reply is that of its own request, and with five seconds nearly all get one.
    results.forEach((result, n) => {
      if (result !== n) expect(result).toBe('REPLY_TIMEOUT')
    })
    expect(results.filter((result) => typeof result === 'number').length).toBeGreaterThan(195)
    const once = doors.flatMap(({ ran }) => ran).filter(({ rootCode }) => rootCode === 0x80)
    expect(new Set(once.map(({ body }) => body)).size).toBe(once.length)
    for (const { endpoint } of doors) expect([endpoint.size.pending, endpoint.size.handling]).toEqual([0, 0])
    expect(doors.map(({ endpoint }) => endpoint.counters.repeated + endpoint.counters.repetitions > 0)).toContain(true)
  })

  it('both sides beginning at once lose nothing', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const net = lan(`both ${seed}`, { jitterMs: 3 })
      const [a, b] = [await net.door(), await net.door()]
      const calls = [0, 1, 2].flatMap((n) => [
        quietly(a.endpoint.submit(to(b), 0x80, n)),
        quietly(b.endpoint.submit(to(a), 0x81, n, { idempotent: true })),
      ])
      await until(net, ...calls)
      expect(await Promise.all(calls)).toEqual([0, 0, 1, 1, 2, 2])
      expect([a.ran.length, b.ran.length]).toEqual([expect.any(Number), 3])
      expect([await ask(net, a, b, 'x'), await ask(net, b, a, 'y')]).toEqual(['x', 'y'])
      for (const { endpoint } of [a, b])
        expect(endpoint.counters.resetsSent + endpoint.counters.handshakesFailed).toBe(0)
    }
  })
})

describe('sessions and restarts', () => {
  it.each([
    ['an open network', OPEN, 60],
    ['one with a secret', secretNetwork(), 120],
  ])('on %s a call to a peer that was restarted is answered by its next life', async (_, member, withinMs) => {
    const net = lan('restart', { jitterMs: 0 }, member)
    const [a, old] = [await net.door(), await net.door()]
    await ask(net, a, old)
    const b = await net.restart(old)
    const before = net.clock.now()
    expect(await ask(net, a, b, 'again')).toBe('again')
    expect(net.clock.now() - before).toBeLessThan(withinMs)
    expect(b.ran.map(({ body }) => body)).toEqual(['again'])
    expect(b.endpoint.counters.resetsSent).toBe(member.hasSecret ? 0 : 1)
  })

  it('the one that was restarted reaches the other, and both are left with one session', async () => {
    const net = lan('restarted speaks')
    const [old, b] = [await net.door(), await net.door()]
    await ask(net, old, b)
    const a = await net.restart(old)
    expect(await ask(net, a, b, 'anew')).toBe('anew')
    expect(await ask(net, b, a, 'back')).toBe('back')
    expect([a.endpoint.size.pairs, b.endpoint.size.pairs]).toEqual([1, 1])
  })

  it('what was asked before a crash and heard of since is asked again of the next life', async () => {
    const net = lan('crash between', { jitterMs: 0 }, secretNetwork())
    const [a, old] = [await net.door(), await net.door()]
    old.endpoint.register(0x90, { access: 'anyone' }, () => new Promise(() => {}))
    await ask(net, a, old)
    const hanging = quietly(a.endpoint.submit(to(old), 0x90, 'slow', { timeoutMs: 3_000 }))
    await net.clock.advance(5)
    // The peer says something after the question came, and then ends.
    await ask(net, a, old, 'quick')
    const b = await net.restart(old)
    b.endpoint.register(0x90, { access: 'anyone' }, ({ body }) => body)
    await until(net, hanging)
    expect(await hanging).toBe('slow')
  })

  it('a peer that is only told things is found again too, without a reset', async () => {
    const net = lan('told', { jitterMs: 0 }, secretNetwork())
    const [a, old] = [await net.door(), await net.door()]
    await ask(net, a, old)
    const b = await net.restart(old)
    for (let n = 0; n < 15; n++) {
      await until(net, quietly(a.endpoint.send(to(b), 0x80, n)))
      await net.clock.advance(1_000)
    }
    const heard = b.ran.map(({ body }) => body as number)
    expect(heard).toEqual([11, 12, 13, 14])
  })

  it('nobody there is PEER_UNREACHABLE after 3 s, or REPLY_TIMEOUT before, and leaves nothing', async () => {
    const net = lan('nobody')
    const a = await net.door()
    const nobody = { id: identityOf(9).id, address: { host: '10.0.0.99', port: PORT } }
    const { pending } = net.clock
    const calls = [500, 4_000].map((timeoutMs) => quietly(a.endpoint.submit(nobody, 0x80, 1, { timeoutMs })))
    await until(net, ...calls)
    expect(await Promise.all(calls)).toEqual(['REPLY_TIMEOUT', 'PEER_UNREACHABLE'])
    expect(net.clock.now()).toBe(3_000)
    expect([a.endpoint.size, net.clock.pending]).toEqual([NOTHING, pending])
  })

  it('a wrong peer at the address is PEER_UNREACHABLE', async () => {
    const net = lan('wrong')
    const [a, b] = [await net.door(), await net.door()]
    const call = quietly(a.endpoint.submit({ id: identityOf(9).id, address: b.address }, 0x80, 1, { timeoutMs: 9_000 }))
    await until(net, call)
    expect(await call).toBe('PEER_UNREACHABLE')
    expect([b.ran, b.endpoint.size]).toEqual([[], NOTHING])
  })
})

describe('the life of a session', () => {
  it('is renewed at 54 minutes by traffic, without a call that notices', async () => {
    const net = lan('renewal', { jitterMs: 0 })
    const [a, b] = [await net.door(), await net.door()]
    for (let minute = 0; minute < 130; minute++) {
      expect(await ask(net, a, b, minute)).toBe(minute)
      await net.clock.advance(MINUTE)
    }
    expect(a.endpoint.counters).toMatchObject({ established: 3, repetitions: 0, handshakesFailed: 0 })
    expect([a.endpoint.size, b.endpoint.size]).toMatchObject([{ sessions: 1 }, { sessions: 1 }])
  })

  it('ends after an hour if nobody uses it: nothing is left, and the next call makes another', async () => {
    const net = lan('idle')
    const { pending } = net.clock
    const [a, b] = [await net.door(), await net.door()]
    await ask(net, a, b)
    await net.clock.advance(61 * MINUTE)
    expect([a, b].map(({ endpoint }) => endpoint.size)).toEqual([NOTHING, NOTHING])
    expect(net.clock.pending).toBe(pending)
    expect(await ask(net, a, b, 'later')).toBe('later')
    await Promise.all([a.endpoint.close(), b.endpoint.close()])
    expect(net.clock.pending).toBe(pending)
  })

  it('that ends under a call that waits is replaced, and the call runs once', async () => {
    const net = lan('under a call', { jitterMs: 0 })
    const [a, b] = [await net.door(), await net.door()]
    let finish: (value: Value) => void = () => {}
    let runs = 0
    b.endpoint.register(0x90, { access: 'anyone' }, () => {
      runs++
      return new Promise<Value>((resolve) => {
        finish = resolve
      })
    })
    await ask(net, a, b)
    await net.clock.advance(60 * MINUTE - 500)
    const slow = quietly(a.endpoint.submit(to(b), 0x90, 'x', { timeoutMs: 20_000 }))
    await net.clock.advance(10_000)
    finish('answered')
    await until(net, slow)
    expect([await slow, runs]).toEqual(['answered', 1])
  })
})

describe('floods', () => {
  /** First messages with keys of their own and a right MAC, each as if from another address. */
  async function flood(net: Lan, at: Door, from: (n: number) => Address, { perSecond = 10_000, seconds = 1 } = {}) {
    const random = new SeededRandom('flood')
    const made = Array.from({ length: 20 }, (_, n) =>
      initiation(random, { from: identityOf(100 + n), to: at.id, index: n }),
    )
    let most = 0
    let sent = 0
    for (let ms = 0; ms < seconds * 1_000; ms++) {
      for (; sent < (ms * perSecond) / 1_000; sent++) {
        at.endpoint.receive(Uint8Array.from(made[sent % 20] as Uint8Array), from(sent), at.socket)
      }
      most = Math.max(most, at.endpoint.size.unconfirmed)
      await net.clock.advance(1)
    }
    return { most, sent }
  }

  /** Wall time, for a busy machine. */
  const LONG = 30_000
  const anywhere = (n: number): Address => ({ host: `10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`, port: 1_000 })

  it(
    '10,000 invented hellos a second: cookies instead of state, and nothing is left',
    async () => {
      const net = lan('hellos')
      const b = await net.door()
      const { most, sent } = await flood(net, b, anywhere)
      expect(most).toBeLessThanOrEqual(101)
      const { cookiesSent, established, handshakeLimit, bytesIn, bytesOut } = b.endpoint.counters
      expect(cookiesSent).toBeGreaterThan(1_000)
      expect(cookiesSent + handshakeLimit + most).toBe(sent)
      expect(established).toBe(0)
      expect(bytesOut).toBeLessThan(bytesIn)
      await net.clock.advance(3_001)
      expect(b.endpoint.size).toEqual(NOTHING)
    },
    LONG,
  )

  it(
    'meanwhile a peer that is there gets a session, and one that has a session notices nothing',
    async () => {
      const net = lan('meanwhile')
      const [a, b, c] = [await net.door(), await net.door(), await net.door()]
      await ask(net, a, b)
      const { established } = a.endpoint.counters
      const answers: Promise<Value | string>[] = []
      await flood(net, b, (n) => {
        if (n % 500 === 0) answers.push(quietly(a.endpoint.submit(to(b), 0x80, n)))
        if (n === 3_000) answers.push(quietly(c.endpoint.submit(to(b), 0x80, n)))
        return anywhere(n)
      })
      await until(net, ...answers)
      expect((await Promise.all(answers)).every((answer) => typeof answer === 'number')).toBe(true)
      expect(a.endpoint.counters).toMatchObject({ established, repetitions: 0 })
      expect(b.endpoint.counters.cookiesSent).toBeGreaterThan(0)
    },
    LONG,
  )

  it.each([50, 1_000, 10_000])(
    '%d a second in the name of a peer do not keep it from getting a session',
    async (perSecond) => {
      const net = lan('in the name of')
      const [a, b] = [await net.door(), await net.door()]
      const answers: Promise<Value | string>[] = []
      await flood(
        net,
        b,
        (n) => {
          // Both have a second, and the flood goes on for longer.
          if (n === perSecond / 10) answers.push(quietly(a.endpoint.submit(to(b), 0x80, 'here')))
          if (n === perSecond / 10) answers.push(quietly(a.endpoint.submit({ address: b.address }, 0x80, 'who')))
          return a.address
        },
        { perSecond, seconds: 1.2 },
      )
      await until(net, ...answers)
      expect(await Promise.all(answers)).toEqual(['here', 'who'])
      await net.clock.advance(3_001)
      expect(b.endpoint.size).toMatchObject({ unconfirmed: 0, sessions: 1, pairs: 1 })
    },
  )

  it('questions for records in the name of a peer do not keep it from asking', async () => {
    const net = lan('records')
    const [a, b] = [await net.door(), await net.door()]
    const request = packSessionPacket(OPEN, { type: 4, nonce: new Uint8Array(8) })
    let answer: Promise<unknown> = Promise.resolve()
    for (let slice = 0; slice < 100; slice++) {
      for (let n = 0; n < 5; n++) b.endpoint.receive(Uint8Array.from(request), a.address, b.socket)
      if (slice === 50) answer = quietly(a.endpoint.recordAt(b.address).then(({ id }) => id.equals(b.id)))
      await net.clock.advance(10)
    }
    await until(net, answer)
    expect(await answer).toBe(true)
  })

  it('forged datagrams of a living session neither silence nor end it', async () => {
    const net = lan('forged', { jitterMs: 0 })
    const failedOpens = { ratePerSecond: 1_000, burst: 1_000 }
    const [a, b] = [await net.door(), await net.door({ limits: { failedOpens } })]
    const taken: Uint8Array[] = []
    await ask(net, a, b)
    const { post } = a.socket
    Object.assign(a.socket, {
      post: (bytes: Uint8Array, where: Address) => {
        taken.push(Uint8Array.from(bytes))
        return post(bytes, where)
      },
    })
    await ask(net, a, b, 'seen by a stranger')
    const [seen] = taken as [Uint8Array]
    for (let n = 0; n < 3_000; n++) {
      const forged = Uint8Array.from(seen)
      new DataView(forged.buffer).setUint32(10, 5_000 + n)
      b.endpoint.receive(forged, a.address, b.socket)
    }
    expect(b.endpoint.counters).toMatchObject({ seal: 1_000, sealLimit: 2_000 })
    b.endpoint.receive(Uint8Array.from(seen), a.address, b.socket)
    await net.clock.advance(1_000)
    expect(await ask(net, a, b, 'still there')).toBe('still there')
    expect(a.endpoint.counters.established).toBe(1)
    expect(b.endpoint.counters.addressLimit).toBe(0)
    b.endpoint.receive(Uint8Array.from(seen), a.address, b.socket)
    expect(b.endpoint.counters.replay).toBe(1)
  })

  it('forged resets interrupt nothing, a slow answer included', async () => {
    const net = lan('resets', { jitterMs: 0 })
    const [a, b] = [await net.door(), await net.door()]
    let index = 0
    const { post } = a.socket
    Object.assign(a.socket, {
      post: (bytes: Uint8Array, where: Address) => {
        if (bytes[1] === 0x12) index = sessionIndexOf(bytes)
        return post(bytes, where)
      },
    })
    for (const rootCode of [0x90, 0x91]) {
      const slow = ({ body }: DatagramEvent) =>
        new Promise<Value>((resolve) => b.host.clock.setTimeout(() => resolve(body), 5_000))
      b.endpoint.register(rootCode, { access: 'anyone', idempotent: rootCode === 0x91, concurrency: 100 }, slow)
    }
    await ask(net, a, b)
    const slow = [
      quietly(a.endpoint.submit(to(b), 0x90, 'slow', { timeoutMs: 8_000 })),
      quietly(a.endpoint.submit(to(b), 0x91, 'slow too', { timeoutMs: 8_000, idempotent: true })),
    ]
    for (let n = 0; n < 600; n++) {
      const reset = packSessionPacket(OPEN, { type: 6, receiverIndex: index })
      a.endpoint.receive(reset, b.address, a.socket)
      if (n % 50 === 0) expect(await ask(net, a, b, n)).toBe(n)
      await net.clock.advance(10)
    }
    await until(net, ...slow)
    expect(await Promise.all(slow)).toEqual(['slow', 'slow too'])
    // At most one handshake a second, each beside the session that is there.
    expect(a.endpoint.counters.established).toBeLessThanOrEqual(10)
    expect(a.endpoint.counters.handshakesFailed).toBe(0)
  })

  it('no unproved address gets more bytes than it sent, whatever it sends', async () => {
    const net = lan('amplification')
    const b = await net.door()
    b.endpoint.register(0x91, { access: 'anyone', idempotent: true }, () => new Uint8Array(1_100))
    const random = new SeededRandom('amplification')
    const request = packWithId(1, new Uint8Array(8), encodeValue(null))
    const early = packEarly({ rootCode: 0x91, bytes: request }, 60)
    const stranger = identityOf(50)
    const kinds: ((port: number) => Uint8Array)[] = [
      () => initiation(random, { from: stranger, to: b.id }),
      () => initiation(random, { from: stranger, to: b.id, early }),
      () => initiation(random, { from: stranger, to: b.id, early: packEarly({ rootCode: 0x99, bytes: request }, 60) }),
      () => packSessionPacket(OPEN, { type: 4, nonce: new Uint8Array(8) }),
      () => packSessionPacket(OPEN, { type: 6, receiverIndex: 1 }),
      () => packSessionPacket(OPEN, { type: 3, receiverIndex: 1, cookie: new Uint8Array(COOKIE_BYTES) }),
      (port) => Uint8Array.from([0x80, 0x12, ...new Uint8Array(28 + (port % 50))]),
    ]
    const sent = new Map<number, number>()
    for (let port = 1; port <= 140; port++) {
      const packet = kinds[port % kinds.length]?.(port) as Uint8Array
      // Three times the same, as whoever repeats a first message does.
      for (let n = 0; n < 3; n++) {
        sent.set(port, (sent.get(port) ?? 0) + packet.length)
        b.endpoint.receive(Uint8Array.from(packet), { host: '10.0.0.77', port }, b.socket)
      }
      await net.clock.advance(200)
    }
    let answered = 0
    for (const [port, bytes] of sent) {
      const out = b.traffic.get(`10.0.0.77 ${port}`)?.out ?? 0
      if (out > 0) answered++
      expect(out).toBeLessThanOrEqual(bytes)
    }
    expect(answered).toBeGreaterThan(80)
  })

  it('outsiders of a network with a secret get no answer at all', async () => {
    const net = lan('outsiders', {}, secretNetwork())
    const b = await net.door()
    const random = new SeededRandom('outsiders')
    const stranger = identityOf(50)
    const packets = [
      initiation(random, { from: stranger, to: b.id }),
      initiation(random, { from: stranger, to: b.id, network: OPEN, cookie: new Uint8Array(COOKIE_BYTES).fill(1) }),
      packSessionPacket(OPEN, { type: 4, nonce: new Uint8Array(8) }),
      packSessionPacket(OPEN, { type: 6, receiverIndex: 1 }),
      Uint8Array.from([0x80, 0x12, ...new Uint8Array(40)]),
    ]
    // The key id of a network can be seen by who listens; its key cannot.
    const dressed = packets.slice(0, 4).map((packet) => {
      const copy = Uint8Array.from(packet)
      new DataView(copy.buffer).setUint32(3, secretNetwork().keyId)
      return copy
    })
    for (let n = 0; n < 20; n++) {
      for (const packet of [...packets, ...dressed]) {
        b.endpoint.receive(Uint8Array.from(packet), { host: '10.0.0.77', port: 1 + n }, b.socket)
      }
      await net.clock.advance(500)
    }
    expect([b.endpoint.counters.sent, b.traffic.size, b.endpoint.size]).toEqual([0, 0, NOTHING])
    expect(b.endpoint.counters).toMatchObject({ mac: 80, keyId: 80 })
  })
})

describe('first messages that come again', () => {
  async function captured(net: Lan, from: Door, at: Door, rootCode: number): Promise<Uint8Array> {
    const taken: Uint8Array[] = []
    const { post } = from.socket
    const watched = {
      post: (bytes: Uint8Array, where: Address) => {
        taken.push(Uint8Array.from(bytes))
        return post(bytes, where)
      },
    }
    Object.assign(from.socket, watched)
    await ask(net, from, at, 'captured', rootCode)
    Object.assign(from.socket, { post })
    return taken[0] as Uint8Array
  }

  it('run at most what may be repeated, from whatever address, and change no session', async () => {
    const net = lan('replayed')
    const [a, b] = [await net.door(), await net.door()]
    const first = await captured(net, a, b, 0x81)
    expect(b.ran.map(({ rootCode, early }) => [rootCode, early])).toEqual([[0x81, true]])
    const request = packWithId(1, new Uint8Array(8).fill(7), encodeValue('once'))
    const early = packEarly({ rootCode: 0x80, bytes: request }, 60)
    const plain = initiation(new SeededRandom('replayed'), { from: a.identity, to: b.id, early })
    for (let n = 0; n < 50; n++) {
      for (const packet of [first, plain]) {
        b.endpoint.receive(Uint8Array.from(packet), a.address, b.socket)
        b.endpoint.receive(Uint8Array.from(packet), { host: '10.0.0.66', port: 1 + n }, b.socket)
      }
      await net.clock.advance(200)
    }
    expect(b.ran.slice(1).every(({ rootCode, early }) => rootCode === 0x81 && early)).toBe(true)
    expect(await ask(net, a, b, 'after', 0x80)).toBe('after')
    expect(a.endpoint.counters.established).toBe(1)
    await net.clock.advance(3_001)
    expect(b.endpoint.size).toMatchObject({ unconfirmed: 0, sessions: 1 })
  })

  it('that repeat an old one while a new one is under way do not take its place', async () => {
    const net = lan('echo', { jitterMs: 0 })
    const [old, b] = [await net.door(), await net.door()]
    const echo = await captured(net, old, b, 0x80)
    await net.clock.advance(61 * MINUTE)
    const { post } = b.socket
    // As soon as the answer to the new one leaves, the old one comes again.
    Object.assign(b.socket, {
      post: (bytes: Uint8Array, where: Address) => {
        const packet = readSessionPacket(OPEN, bytes) as SessionPacket | string
        if (typeof packet !== 'string' && packet.type === 2) {
          queueMicrotask(() => b.endpoint.receive(Uint8Array.from(echo), old.address, b.socket))
        }
        return post(bytes, where)
      },
    })
    expect(await ask(net, old, b, 'new')).toBe('new')
    expect(old.endpoint.counters).toMatchObject({ repetitions: 0, established: 2 })
    expect(b.endpoint.counters.cookiesSent).toBe(1)
  })
})

describe('any schedule', () => {
  type Step =
    | { do: 'ask'; from: 0 | 1; once: boolean; timeoutMs: number; abortAfter: number | null }
    | { do: 'tell'; from: 0 | 1 }
    | { do: 'wait'; ms: number }
    | { do: 'restart'; which: 0 | 1 }
    | { do: 'full'; which: 0 | 1; ms: number }

  const side = fc.constantFrom<0 | 1>(0, 1)
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('ask' as const),
        from: side,
        once: fc.boolean(),
        timeoutMs: fc.integer({ min: 1, max: 2_000 }),
        abortAfter: fc.option(fc.integer({ min: 0, max: 100 }), { freq: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('tell' as const), from: side }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 300 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constant(61 * MINUTE) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), which: side }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('full' as const), which: side, ms: fc.integer({ min: 1, max: 60 }) }),
    },
  )

  it('settles every call once by its deadline, and runs none twice in one life of its peer', async () => {
    const conditions = fc.record({
      loss: fc.constantFrom(0, 0.1, 0.5),
      duplication: fc.constantFrom(0, 0.3),
      reordering: fc.constantFrom(0, 0.5),
    })
    await fc.assert(
      fc.asyncProperty(fc.nat(1e6), conditions, fc.array(step, { maxLength: 40 }), async (seed, weather, steps) => {
        const net = lan(seed, { ...weather, reorderMs: 100 })
        const doors = [await net.door(), await net.door()]
        const lives = [...doors]
        const calls: { deadlineAt: number; settledAt: number[] }[] = []
        const watch = (from: number, timeoutMs: number, promise: Promise<unknown>): void => {
          const call = { deadlineAt: net.clock.now() + timeoutMs, settledAt: [] as number[] }
          calls.push(call)
          const { host } = doors[from] as Door
          const settled = (): number => call.settledAt.push(net.clock.now())
          void promise.then(settled, settled)
          endOf.set(call, host)
        }
        const endOf = new Map<object, Door['host']>()
        let body = 0
        for (const one of steps) {
          if (one.do === 'wait') await net.clock.advance(one.ms)
          else if (one.do === 'restart') {
            doors[one.which] = await net.restart(doors[one.which] as Door)
            lives.push(doors[one.which] as Door)
          } else if (one.do === 'full') {
            const { socket, host } = doors[one.which] as Door
            const { post } = socket
            Object.assign(socket, { post: () => false })
            host.clock.setTimeout(() => Object.assign(socket, { post }), one.ms)
          } else {
            const [from, at] = [doors[one.from] as Door, doors[1 - one.from] as Door]
            body++
            if (one.do === 'tell') watch(one.from, 1_000, from.endpoint.send(to(at), 0x80, body))
            else {
              const { once, timeoutMs, abortAfter } = one
              const controller = new AbortController()
              const { signal } = controller
              const options = { timeoutMs, signal, idempotent: !once }
              watch(one.from, timeoutMs, from.endpoint.submit(to(at), once ? 0x80 : 0x81, body, options))
              if (abortAfter !== null) net.clock.setTimeout(() => controller.abort(), abortAfter)
            }
          }
        }
        await net.clock.advance(2_100)
        for (const call of calls) {
          // What a process waited for dies with it.
          if (endOf.get(call)?.running === false) continue
          expect(call.settledAt).toHaveLength(1)
          expect(call.settledAt[0]).toBeLessThanOrEqual(call.deadlineAt + 1e-6)
        }
        for (const { ran } of lives) {
          const once = ran.filter(({ rootCode, asks }) => rootCode === 0x80 && asks).map((event) => event.body)
          expect(new Set(once).size).toBe(once.length)
        }
        for (const { endpoint } of doors) expect(endpoint.size).toMatchObject({ pending: 0, handling: 0 })
        await net.clock.advance(61 * MINUTE)
        for (const { endpoint } of doors) expect(endpoint.size).toEqual(NOTHING)
        await net.close()
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})

describe('identities', () => {
  it('two at one address are two pairs, and hear nothing of each other', async () => {
    const net = lan('two')
    const [a, b] = [await net.door(), await net.door()]
    await ask(net, a, b)
    const other: Identity = identityOf(40)
    const random = new SeededRandom('two')
    b.endpoint.receive(initiation(random, { from: other, to: b.id }), a.address, fakeSocket())
    expect(b.endpoint.size).toMatchObject({ sessions: 2, unconfirmed: 1, pairs: 2 })
    expect(await ask(net, a, b, 'mine')).toBe('mine')
    expect(b.ran.every(({ peer }) => peer.equals(a.id))).toBe(true)
  })
})
