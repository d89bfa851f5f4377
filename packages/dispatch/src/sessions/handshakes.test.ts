import { createKeyExchange, MAX_EARLY_BYTES, readSessionPacket, type SessionPacket } from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import type { Address } from '@pc/transport'
import { describe, expect, it } from 'vitest'
import { fakeSocket, identityOf, initiation, OPEN } from '../../test/_util/doors.js'
import { HandshakeGuard, type HandshakeLimits } from './handshake-limits.js'
import { type HandshakeEffect, type HandshakeRefusal, Handshakes } from './handshakes.js'
import type { LiveSession, Pair } from './live-session.js'
import type { PlainMessage } from './sealed-message.js'

const MINUTE = 60_000
const via = fakeSocket()
const seeded = new SeededRandom('handshakes')
const CALM: Partial<HandshakeLimits> = { withoutCookie: { ratePerSecond: 1e6, burst: 1e6 } }

interface Side {
  readonly address: Address
  readonly machine: Handshakes
  /** The other one's pair here. */
  pair(of: Side): Pair
  hear(packet: SessionPacket, now: number, from?: Address, crowded?: boolean): HandshakeEffect[] | HandshakeRefusal
  readonly number: number
}

function side(number: number, limits: Partial<HandshakeLimits> = CALM): Side {
  const random = seeded.stream(`side ${number} ${seeded.integer(0, 1e9)}`)
  const identity = identityOf(number)
  const exchange = createKeyExchange({ identity, network: OPEN, random: (length) => random.bytes(length) })
  const machine = new Handshakes({ network: OPEN, exchange, random, guard: new HandshakeGuard(limits) })
  return {
    number,
    address: { host: `10.0.0.${number}`, port: 3_485 },
    machine,
    pair: (of) => machine.table.take(identityOf(of.number).id, of.address, via),
    hear: (packet, now, from = { host: `10.0.0.${3 - number}`, port: 3_485 }, crowded = false) =>
      machine.receive(packet, 600, { from, via, crowded }, now),
  }
}

function packetsIn(effects: HandshakeEffect[] | HandshakeRefusal | undefined): SessionPacket[] {
  if (effects === undefined || typeof effects === 'string') return []
  return effects.flatMap((effect) => ('bytes' in effect ? [read(effect.bytes)] : []))
}

function read(bytes: Uint8Array): SessionPacket {
  const packet = readSessionPacket(OPEN, bytes)
  if (typeof packet === 'string') throw new Error(packet)
  return packet
}

const only = (packets: SessionPacket[]): SessionPacket => {
  expect(packets).toHaveLength(1)
  return packets[0] as SessionPacket
}

/** A session that `from` began, used by it once. */
function agree(from: Side, to: Side, now: number): { theirs: LiveSession; ours: LiveSession } {
  const first = only(packetsIn(from.machine.begin(from.pair(to), undefined, now)))
  const second = only(packetsIn(to.hear(first, now)))
  from.hear(second, now)
  const ours = from.pair(to).current as LiveSession
  const theirs = to.pair(from).next as LiveSession
  pass(ours, theirs, to, now)
  return { ours, theirs }
}

/** Something sealed by one session and opened by the other. */
function pass(from: LiveSession, to: LiveSession, at: Side, now: number): HandshakeEffect[] {
  const datagram = from.session.seal(0x80, Uint8Array.of(0, 0xc0))
  expect(to.session.open(datagram)).toBeInstanceOf(Uint8Array)
  return at.machine.opened(to, via, datagram.length, now)
}

const types = (effects: HandshakeEffect[] | HandshakeRefusal): string[] | string =>
  typeof effects === 'string' ? effects : effects.map(({ type }) => type)

describe('Handshakes: a new session', () => {
  it('is current with who began it after the answer, and with the other side after its first use', () => {
    const [a, b] = [side(1), side(2)]
    const { ours, theirs } = agree(a, b, 0)
    expect([ours.initiator, theirs.initiator]).toEqual([true, false])
    expect([a.pair(b).current, b.pair(a).current, b.pair(a).next]).toEqual([ours, theirs, undefined])
    expect([a.machine.table.handshakes, b.machine.table.unconfirmed]).toEqual([0, 0])
    expect(types(pass(ours, theirs, b, 1))).toEqual([])
    expect(types(pass(theirs, ours, a, 1))).toEqual([])
  })

  it('is measured, unless a first message was repeated', () => {
    for (const [repetitions, smoothed] of [
      [0, 4],
      [1, undefined],
    ] as const) {
      const [a, b] = [side(1), side(2)]
      const first = only(packetsIn(a.machine.begin(a.pair(b), undefined, 0)))
      for (let n = 0; n < repetitions; n++) a.machine.timer(a.machine.wakeAt)
      a.hear(only(packetsIn(b.hear(first, 2))), 4)
      expect(a.pair(b).roundTrip.smoothed).toBe(smoothed)
    }
  })

  it('repeats its first message after 25, 75, 175 … ms and fails after 3 s', () => {
    const [a, b] = [side(1), side(2)]
    a.machine.begin(a.pair(b), undefined, 0)
    a.pair(b).users = 1
    const seen: [number, string[] | string][] = []
    while (a.machine.wakeAt < Number.POSITIVE_INFINITY) {
      const now = a.machine.wakeAt
      seen.push([now, types(a.machine.timer(now))])
    }
    expect(seen.map(([now]) => now)).toEqual([25, 75, 175, 375, 775, 1_575, 3_000])
    expect(seen.at(-1)?.[1]).toEqual(['failed'])
    expect(a.machine.table.handshakes).toBe(0)
  })

  it('is one at a time for a pair, and 1,024 in all', () => {
    const [a, b] = [side(1), side(2)]
    a.machine.begin(a.pair(b), undefined, 0)
    expect(a.machine.begin(a.pair(b), undefined, 0)).toEqual([])
    const to = (n: number): Pair => a.machine.table.take(identityOf(2).id, { host: '10.0.0.2', port: 10_000 + n }, via)
    for (let n = 0; n < 1_023; n++) expect(a.machine.begin(to(n), undefined, 0)).toHaveLength(1)
    expect(a.machine.begin(to(2_000), undefined, 0)).toBeUndefined()
  })

  it('is given up when nobody waits for it, and its answer then means nothing', () => {
    const [a, b] = [side(1), side(2)]
    const first = only(packetsIn(a.machine.begin(a.pair(b), undefined, 0)))
    a.machine.abandon(a.pair(b))
    expect([a.machine.table.handshakes, a.machine.table.pairs, a.machine.wakeAt]).toEqual([0, 0, Infinity])
    expect(a.hear(only(packetsIn(b.hear(first, 1))), 2)).toBe('unexpected')
  })

  it('that the other side never uses is gone after 3 s, with its pair', () => {
    const [a, b] = [side(1), side(2)]
    b.hear(only(packetsIn(a.machine.begin(a.pair(b), undefined, 0))), 0)
    expect(b.machine.wakeAt).toBe(3_000)
    b.machine.timer(3_000)
    const { sessions, unconfirmed, pairs } = b.machine.table
    expect([sessions, unconfirmed, pairs, b.machine.wakeAt]).toEqual([0, 0, 0, Infinity])
  })

  it('answers a repeated first message with the same bytes while it is not used, and then not at all', () => {
    const [a, b] = [side(1), side(2)]
    const first = only(packetsIn(a.machine.begin(a.pair(b), undefined, 0)))
    const answers = [0, 1, 2].map((now) => only(packetsIn(b.hear(first, now))))
    expect(answers[1]).toEqual(answers[0])
    expect(b.machine.table.sessions).toBe(1)
    a.hear(answers[2] as SessionPacket, 3)
    expect(a.hear(answers[0] as SessionPacket, 3)).toBe('unexpected')
    pass(a.pair(b).current as LiveSession, b.pair(a).next as LiveSession, b, 4)
    expect(b.hear(first, 5)).toBe('unexpected')
  })

  it('believes no answer from elsewhere, and goes on after a forged one', () => {
    const [a, b] = [side(1), side(2)]
    const first = only(packetsIn(a.machine.begin(a.pair(b), undefined, 0)))
    const answer = only(packetsIn(b.hear(first, 0))) as SessionPacket & { type: 2 }
    expect(a.hear(answer, 1, { host: '10.0.0.9', port: 3_485 })).toBe('unexpected')
    const forged = { ...answer, message: new Uint8Array(answer.message.length) }
    expect(a.hear(forged, 1)).toBe('exchange')
    expect(types(a.hear(answer, 1))).toEqual(['established'])
  })

  it('has a budget for answers that are tried', () => {
    const [a, b] = [side(1, { responses: { ratePerSecond: 1, burst: 1 } }), side(2)]
    const answer = only(packetsIn(b.hear(only(packetsIn(a.machine.begin(a.pair(b), undefined, 0))), 0)))
    a.hear({ ...answer, message: new Uint8Array(52) } as SessionPacket, 1)
    expect(a.hear(answer, 1)).toBe('handshakeLimit')
    expect(types(a.hear(answer, 1_001))).toEqual(['established'])
  })

  it('is refused to oneself and to forged first messages', () => {
    const a = side(1)
    const own = read(initiation(seeded, { from: identityOf(1), to: identityOf(1).id }))
    expect(a.hear(own, 0)).toBe('exchange')
    const wrong = read(initiation(seeded, { from: identityOf(2), to: identityOf(3).id }))
    expect(a.hear(wrong, 0)).toBe('exchange')
    expect(a.machine.table.pairs).toBe(0)
  })
})

describe('Handshakes: early data', () => {
  const early: PlainMessage = { rootCode: 0x81, bytes: Uint8Array.of(1, 1, 2, 3, 4, 5, 6, 7, 8, 0xc0) }

  it('travels in the first message and comes out with the session that it began', () => {
    const [a, b] = [side(1), side(2)]
    const effects = b.hear(only(packetsIn(a.machine.begin(a.pair(b), early, 0))), 0)
    if (typeof effects === 'string') throw new Error(effects)
    expect(types(effects)).toEqual(['send', 'early'])
    const [, second] = effects
    if (second?.type !== 'early') throw new Error('no early data')
    expect([second.message.rootCode, [...second.message.bytes]]).toEqual([0x81, [...early.bytes]])
    expect([second.live, second.live.addressProved]).toEqual([b.pair(a).next, false])
  })

  it('that is too long stays behind', () => {
    const [a, b] = [side(1), side(2)]
    const long = { rootCode: 0x81, bytes: new Uint8Array(MAX_EARLY_BYTES - 2) }
    a.machine.begin(a.pair(b), long, 0)
    expect(a.pair(b).handshake?.early).toBeUndefined()
  })
})

describe('Handshakes: cookies', () => {
  const LOADED: Partial<HandshakeLimits> = { withoutCookie: { ratePerSecond: 1, burst: 1 } }

  it('under load a first message without one is told to come again, and nothing of it is kept', () => {
    const [a, b] = [side(1), side(2, LOADED)]
    b.hear(read(initiation(seeded, { from: identityOf(3), to: identityOf(2).id })), 0, { host: '10.0.0.3', port: 1 })
    const before = b.machine.table.sessions
    const first = only(packetsIn(a.machine.begin(a.pair(b), undefined, 0)))
    const told = b.hear(first, 0)
    expect(types(told)).toEqual(['cookie'])
    expect([b.machine.table.sessions, b.machine.table.pairs]).toEqual([before, before])
    const again = only(packetsIn(a.hear(only(packetsIn(told)), 1)))
    a.hear(only(packetsIn(b.hear(again, 2))), 3)
    expect(b.pair(a).next?.addressProved).toBe(true)
    expect(a.pair(b).current).toBeDefined()
  })

  it('are only told so many', () => {
    const b = side(2, { ...LOADED, cookies: { ratePerSecond: 1, burst: 2 } })
    const told = [1, 2, 3, 4].map((port) =>
      types(
        b.hear(read(initiation(seeded, { from: identityOf(1), to: identityOf(2).id })), 0, { host: '10.0.0.1', port }),
      ),
    )
    expect(told).toEqual([['send'], ['cookie'], ['cookie'], 'handshakeLimit'])
  })

  it('are asked for where so much comes from an address that it may be two', () => {
    const [a, b] = [side(1), side(2)]
    const first = only(packetsIn(a.machine.begin(a.pair(b), undefined, 0)))
    expect(types(b.hear(first, 0, a.address, true))).toEqual(['cookie'])
  })

  it('are asked for while a session of that address is not used yet: an echo takes nobody’s place', () => {
    const [a, b] = [side(1), side(2)]
    const echo = read(initiation(seeded, { from: identityOf(1), to: identityOf(2).id }))
    const first = only(packetsIn(a.machine.begin(a.pair(b), undefined, 0)))
    b.hear(first, 0)
    const meant = b.pair(a).next
    expect(types(b.hear(echo, 1))).toEqual(['cookie'])
    expect(b.pair(a).next).toBe(meant)
    // The other way round whoever is there comes again with the cookie, and takes the place of the echo.
    const [c, d] = [side(1), side(2)]
    d.hear(echo, 0)
    const told = only(packetsIn(d.hear(only(packetsIn(c.machine.begin(c.pair(d), undefined, 0))), 1)))
    c.hear(only(packetsIn(d.hear(only(packetsIn(c.hear(told, 2))), 3))), 4)
    expect(d.pair(c).next?.session.remoteIndex).toBe(c.pair(d).current?.index)
  })

  it('of a stranger are followed eight times at most', () => {
    const [a, b] = [side(1), side(2)]
    a.machine.begin(a.pair(b), undefined, 0)
    const told: SessionPacket = {
      type: 3,
      receiverIndex: a.pair(b).handshake?.index ?? 0,
      cookie: new Uint8Array(16).fill(1),
    }
    const followed = Array.from({ length: 9 }, () => types(a.hear(told, 1)))
    expect(followed.slice(7)).toEqual([['send'], 'handshakeLimit'])
    expect(a.hear(told, 1, { host: '10.0.0.9', port: 3_485 })).toBe('unexpected')
    expect(a.hear({ ...told, receiverIndex: told.receiverIndex ^ 1 }, 1)).toBe('unexpected')
  })
})

describe('Handshakes: renewal', () => {
  it('is begun after 54 minutes by who began, after 57 by the other side if that did not happen', () => {
    const [a, b] = [side(1), side(2)]
    const { ours, theirs } = agree(a, b, 0)
    const later = 54 * MINUTE
    ours.usedAt = theirs.usedAt = later - 1
    expect([a.machine.wakeAt, b.machine.wakeAt]).toEqual([later, 57 * MINUTE])
    expect(types(a.machine.timer(later))).toEqual(['send'])
    expect(a.pair(b).handshake).toBeDefined()
    expect(types(b.machine.timer(57 * MINUTE))).toEqual(['send'])
  })

  it('leaves the former session open for what is on the way', () => {
    const [a, b] = [side(1), side(2)]
    const former = agree(a, b, 0)
    const present = agree(a, b, 54 * MINUTE)
    expect([a.pair(b).previous, a.pair(b).current]).toEqual([former.ours, present.ours])
    expect([b.pair(a).previous, b.pair(a).current]).toEqual([former.theirs, present.theirs])
    pass(former.theirs, former.ours, a, 54 * MINUTE)
    expect(a.pair(b).current).toBe(present.ours)
  })

  it('does not happen for a session that nobody has used for 10 minutes: it ends after an hour, with its pair', () => {
    const [a, b] = [side(1), side(2)]
    const { ours } = agree(a, b, 0)
    ours.usedAt = 44 * MINUTE
    expect(a.machine.timer(54 * MINUTE)).toEqual([])
    expect(a.machine.usable(a.pair(b), 60 * MINUTE - 1)).toBe(ours)
    expect(a.machine.usable(a.pair(b), 60 * MINUTE)).toBeUndefined()
    expect(a.machine.wakeAt).toBe(60 * MINUTE)
    a.machine.timer(60 * MINUTE)
    expect([a.machine.table.sessions, a.machine.table.pairs, a.machine.wakeAt]).toEqual([0, 0, Infinity])
  })

  it('happens once before its time when nine tenths of the nonces are used, and then nothing is sealed any more', () => {
    const [a, b] = [side(1), side(2)]
    const { ours } = agree(a, b, 0)
    let sealed = 0.9 * 2 ** 32 - 1
    const worn = { ...ours, session: Object.create(ours.session, { sealed: { get: () => sealed } }) } as LiveSession
    a.pair(b).current = worn
    expect(a.machine.wornOut(worn, 1)).toEqual([])
    sealed += 1
    expect(types(a.machine.wornOut(worn, 1))).toEqual(['send'])
    a.machine.abandon(a.pair(b))
    expect(a.machine.wornOut(worn, 1)).toEqual([])
    expect(a.machine.usable(a.pair(b), 1)).toBe(worn)
    sealed = 2 ** 32
    expect(a.machine.usable(a.pair(b), 1)).toBeUndefined()
  })

  it('begun by both sides at once leaves both with sessions that open what the other seals', () => {
    const [a, b] = [side(1), side(2)]
    const [fromA, fromB] = [a, b].map((one) =>
      only(packetsIn(one.machine.begin(one.pair(one === a ? b : a), undefined, 0))),
    )
    const [answerB, answerA] = [b.hear(fromA as SessionPacket, 1), a.hear(fromB as SessionPacket, 1)].map((effects) =>
      only(packetsIn(effects)),
    )
    a.hear(answerB as SessionPacket, 2)
    b.hear(answerA as SessionPacket, 2)
    const ways = [
      [a, b],
      [b, a],
    ] as const
    for (let turn = 0; turn < 3; turn++) {
      // Both seal before either has heard the other.
      const sealing = ways.map(([from, to]) => from.pair(to).current as LiveSession)
      ways.forEach(([, to], n) => {
        const from = sealing[n] as LiveSession
        pass(from, to.machine.table.session(from.session.remoteIndex) as LiveSession, to, 3)
      })
    }
    expect([a, b].map(({ machine }) => [machine.table.sessions, machine.table.unconfirmed])).toEqual([
      [2, 0],
      [2, 0],
    ])
  })
})

describe('Handshakes: doubt', () => {
  it('begins one handshake a second beside the living session, which stays', () => {
    const [a, b] = [side(1), side(2)]
    const { ours } = agree(a, b, 0)
    const pair = a.pair(b)
    expect(types(a.machine.doubt(pair, undefined, 5_000))).toEqual(['send'])
    a.machine.abandon(pair)
    expect(a.machine.doubt(pair, undefined, 5_999)).toEqual([])
    expect(types(a.machine.doubt(pair, undefined, 6_000))).toEqual(['send'])
    expect(pair.current).toBe(ours)
  })

  it('is cast on a pair by whoever names the index of its present session, from its address', () => {
    const [a, b] = [side(1), side(2)]
    const { theirs } = agree(a, b, 0)
    expect(a.machine.forgottenBy(theirs.index, b.address)).toBe(a.pair(b))
    expect(a.machine.forgottenBy(theirs.index, { ...b.address, port: 1 })).toBeUndefined()
    expect(a.machine.forgottenBy(theirs.index ^ 1, b.address)).toBeUndefined()
  })
})
