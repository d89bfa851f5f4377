import { describe, expect, it } from 'vitest'
import { handshakeOf, liveOf, pairOf } from '../../test/_util/live-sessions.js'
import type { Handshake, LiveSession, Pair } from './live-session.js'
import { type Call, OwnRequests, type OwnRequestsLimits } from './own-requests.js'
import { MessageKind, type PlainMessage, packWithId } from './sealed-message.js'

const ID_BYTES = 8

function setUp(limits: Partial<OwnRequestsLimits> = {}) {
  const pair = pairOf()
  const state = { now: 0, full: false, mayBegin: true }
  const sent: { at: number; key: number; live: LiveSession }[] = []
  const begun: { at: number; early: PlainMessage | undefined }[] = []
  const doubts: number[] = []
  const idle: Pair[] = []
  const settled: [name: number, outcome: unknown][] = []
  let repeated = 0
  const requests = new OwnRequests(
    {
      transmit: (live, message) => {
        if (!state.full) sent.push({ at: state.now, key: message.bytes[ID_BYTES] ?? 0, live })
        return !state.full
      },
      usable: ({ current }) => current,
      begin: (_, early) => {
        if (state.mayBegin) begun.push({ at: state.now, early })
        return state.mayBegin
      },
      doubt: () => doubts.push(state.now),
      idle: (one) => idle.push(one),
      repeated: () => {
        repeated++
      },
    },
    limits,
  )
  let made = 0
  const call = (fields: Partial<Call> = {}): Call => {
    const number = ++made
    const bytes = packWithId(MessageKind.REQUEST, idOf(number), Uint8Array.of(0xc0))
    return {
      pair,
      message: { rootCode: 0x80, bytes },
      asks: true,
      idempotent: false,
      key: number,
      deadlineAt: state.now + 1_000,
      sentAt: Number.NEGATIVE_INFINITY,
      lastSentAt: Number.NEGATIVE_INFINITY,
      sendings: 0,
      timeoutMs: 0,
      live: undefined,
      former: undefined,
      dueAt: Number.POSITIVE_INFINITY,
      settle: (error, reply) => settled.push([number, error === undefined ? reply : codeOf(error)]),
      ...fields,
    }
  }
  const add = (fields: Partial<Call> = {}): Call => {
    const one = call(fields)
    requests.add(one, state.now)
    return one
  }
  const use = (): LiveSession => {
    pair.previous = pair.current
    pair.current = liveOf(pair, { confirmed: true })
    return pair.current
  }
  /** Moves time from deadline to deadline. */
  const until = (end: number): void => {
    while (requests.wakeAt <= end) {
      state.now = requests.wakeAt
      requests.timer(state.now)
    }
    state.now = end
  }
  const times = () => sent.map(({ at }) => at)
  const parts = { pair, state, sent, begun, doubts, idle, settled, requests }
  return { ...parts, call, add, use, until, times, repeated: () => repeated }
}

/** The key of a request is its first six bytes; here the last of them tells which. */
function idOf(number: number, tail = number): Uint8Array {
  return Uint8Array.of(0, 0, 0, 0, 0, number, 0, tail)
}

function reply(number: number, tail = number): Uint8Array {
  return packWithId(MessageKind.REPLY, idOf(number, tail), Uint8Array.of(0xc0))
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code ?? error
}

describe('OwnRequests', () => {
  it('sends again after 1, 3, 7, 11 … time-outs until the deadline, and settles once', () => {
    const { add, use, until, times, settled, requests, pair, idle, repeated } = setUp()
    use()
    add()
    until(5_000)
    expect(times()).toEqual([0, 25, 75, 175, 275, 375, 475, 575, 675, 875])
    expect(settled).toEqual([[1, 'REPLY_TIMEOUT']])
    expect([requests.size, requests.wakeAt, pair.users, repeated()]).toEqual([0, Number.POSITIVE_INFINITY, 0, 9])
    expect(idle).toEqual([pair])
  })

  it('uses the measured round trip of that peer', () => {
    const { add, use, until, times, pair } = setUp()
    use()
    pair.roundTrip.measured(100)
    add()
    until(900)
    expect(times()).toEqual([0, 250, 750])
  })

  it('is answered by id, peer and session alone', () => {
    const { add, use, requests, pair } = setUp()
    const live = use()
    const asked = add()
    expect(requests.answered(liveOf(pair), reply(1), 1)).toBeUndefined()
    expect(requests.answered(liveOf(pairOf(2)), reply(1), 1)).toBeUndefined()
    expect(requests.answered(live, reply(2), 1)).toBeUndefined()
    expect(requests.answered(live, reply(1, 9), 1)).toBeUndefined()
    expect(requests.answered(live, reply(1), 1)).toBe(asked)
  })

  it('goes out by a new session at once, and is answered by the former one too, but not by the one before that', () => {
    const { add, use, requests, pair, sent, state, repeated } = setUp()
    const first = use()
    const asked = add()
    state.now = 5
    const second = use()
    expect(requests.established(pair, undefined, 5)).toBe(1)
    expect(sent.map(({ live }) => live)).toEqual([first, second])
    expect(repeated()).toBe(1)
    for (const live of [first, second]) expect(requests.answered(live, reply(1), 6)).toBe(asked)
    use()
    requests.established(pair, undefined, 7)
    expect(requests.answered(first, reply(1), 8)).toBeUndefined()
  })

  it('waits longer for the next ones when a repetition was for nothing, and not when it was lost', () => {
    const { add, use, until, requests, pair } = setUp()
    const live = use()
    const ask = (number: number): void => {
      const asked = add()
      until(100 * number - 10)
      expect(requests.answered(live, reply(number), 100 * number - 10)).toBe(asked)
      requests.remove(asked, 100 * number - 10)
      until(100 * number)
    }
    ask(1)
    expect(pair.roundTrip.timeoutMs).toBe(25)
    expect(requests.answered(live, reply(1), 101)).toBeUndefined()
    expect(pair.roundTrip.timeoutMs).toBe(50)
    ask(2)
    expect(requests.answered(live, reply(7), 201)).toBeUndefined()
    expect(pair.roundTrip.timeoutMs).toBe(50)
  })

  it("Karn's rule: measures only what was sent once", () => {
    const { add, use, until, requests, pair } = setUp()
    const live = use()
    add()
    until(30)
    requests.answered(live, reply(1), 31)
    expect(pair.roundTrip.smoothed).toBeUndefined()
    add()
    requests.answered(live, reply(2), 34)
    expect(pair.roundTrip.smoothed).toBe(4)
  })

  it('without a session begins a handshake, which carries what may be repeated by anybody and nothing else', () => {
    const { add, begun } = setUp()
    add()
    const asked = add({ idempotent: true })
    expect(begun.map(({ early }) => early)).toEqual([undefined, asked.message])
  })

  it('what travelled in the first message waits for its answer before it is sent again', () => {
    const { add, use, until, requests, pair, times } = setUp()
    const asked = add({ idempotent: true })
    const began: Handshake = { ...handshakeOf(pair), early: asked.message }
    const live = use()
    expect(requests.established(pair, began, 4)).toBe(0)
    expect(requests.answered(live, reply(1), 6)).toBe(asked)
    expect(pair.roundTrip.smoothed).toBeUndefined()
    until(200)
    expect(times()).toEqual([29, 175])
  })

  it('a broken or lost answer leaves the call waiting: only remove ends it', () => {
    const { add, use, requests } = setUp()
    const live = use()
    const asked = add()
    requests.answered(live, reply(1), 1)
    expect(requests.size).toBe(1)
    requests.remove(asked, 1)
    requests.remove(asked, 1)
    expect(requests.size).toBe(0)
    expect(requests.answered(live, reply(1), 1)).toBeUndefined()
  })

  it('tells its peer something: settled when the machine has taken it', () => {
    const { add, use, settled, requests, state, until, times } = setUp()
    use()
    state.full = true
    add({ asks: false, key: -1 })
    expect(settled).toEqual([])
    until(15)
    state.full = false
    until(1_000)
    expect([settled, times(), requests.size]).toEqual([[[1, undefined]], [20], 0])
  })

  it('backs off 10 ms while the machine takes no more, which is no repetition', () => {
    const { add, use, until, state, times, repeated, doubts } = setUp()
    use()
    state.full = true
    add()
    until(35)
    expect([times(), repeated(), doubts]).toEqual([[], 0, []])
    state.full = false
    until(70)
    expect(times()).toEqual([40, 65])
  })

  it('gives up by its deadline while the machine takes nothing', () => {
    const { add, use, until, state, settled } = setUp()
    use()
    state.full = true
    add({ deadlineAt: 95 })
    add({ deadlineAt: 95, asks: false, key: -1 })
    until(95)
    expect(settled).toEqual([
      [1, 'REPLY_TIMEOUT'],
      [2, 'REPLY_TIMEOUT'],
    ])
  })

  it('has 16 of a peer under way, and the next ones in their order', () => {
    const { add, use, requests, sent, settled, pair } = setUp()
    const live = use()
    const calls = Array.from({ length: 20 }, () => add())
    expect(sent).toHaveLength(16)
    for (const one of calls.slice(0, 3)) requests.remove(one, 1)
    expect(sent.map(({ key }) => key)).toEqual(Array.from({ length: 19 }, (_, n) => n + 1))
    // One that waits is not answered, whatever its id.
    expect(requests.answered(live, reply(20), 1)).toBeUndefined()
    requests.remove(calls[19] as Call, 1)
    for (const one of calls) requests.remove(one, 1)
    expect([requests.size, pair.users, settled, sent.length]).toEqual([0, 0, [], 19])
  })

  it('what waits for a place ends by its own deadline', () => {
    const { add, use, until, settled } = setUp({ pendingPerPeer: 1 })
    use()
    add()
    add({ deadlineAt: 40 })
    until(40)
    expect(settled).toEqual([[2, 'REPLY_TIMEOUT']])
  })

  it('says how many may wait', () => {
    const { add, requests } = setUp({ pending: 3 })
    for (let n = 0; n < 3; n++) {
      expect(requests.refusal()).toBeUndefined()
      add()
    }
    expect(requests.refusal()).toMatchObject({ code: 'TOO_MANY_PENDING' })
  })

  it('refuses when too many handshakes are under way, and leaves nothing', () => {
    const { add, state, settled, requests, pair, idle } = setUp({ pendingPerPeer: 2 })
    state.mayBegin = false
    add()
    add()
    expect(settled.map(([, code]) => code)).toEqual(['BUSY', 'BUSY'])
    expect([requests.size, requests.wakeAt, pair.users]).toEqual([0, Number.POSITIVE_INFINITY, 0])
    expect(idle).toEqual([pair, pair])
  })

  it('fails with its handshake, those that wait for a place included', () => {
    const { add, settled, requests, pair, begun } = setUp({ pendingPerPeer: 2 })
    for (let n = 0; n < 4; n++) add()
    requests.failed(pair, 3_000)
    expect(settled.map(([, code]) => code)).toEqual(Array.from({ length: 4 }, () => 'PEER_UNREACHABLE'))
    expect([requests.size, pair.users, begun.length]).toEqual([0, 0, 2])
  })

  it('goes on by a session that is there when a handshake beside it fails', () => {
    const { add, use, settled, requests, pair } = setUp()
    use()
    add()
    requests.failed(pair, 100)
    expect([settled, requests.size]).toEqual([[], 1])
  })

  it('begins a handshake when its session has ended meanwhile', () => {
    const { add, use, until, begun, pair, times, requests } = setUp()
    use()
    add()
    pair.current = undefined
    until(100)
    expect([times(), begun.map(({ at }) => at)]).toEqual([[0], [25]])
    use()
    requests.established(pair, undefined, 100)
    expect(times()).toEqual([0, 100])
  })

  it('doubts a session by which two sendings brought no sign of life', () => {
    const { add, use, until, doubts } = setUp()
    use()
    add()
    until(74)
    expect(doubts).toEqual([])
    until(75)
    expect(doubts).toEqual([75])
  })

  it('doubts it after one, where nobody is told that his session is unknown', () => {
    const { add, use, until, doubts } = setUp({ doubtAfter: 1 })
    use()
    add()
    until(25)
    expect(doubts).toEqual([25])
  })

  it('does not doubt a session that says something', () => {
    const { add, use, until, doubts, pair } = setUp()
    use()
    add()
    for (let now = 10; now < 1_000; now += 10) {
      pair.heardAt = now
      until(now)
    }
    expect(doubts).toEqual([])
  })

  it('doubts it though something was heard after the first sending: the peer may have ended since', () => {
    const { add, use, until, doubts, pair } = setUp()
    use()
    add()
    until(10)
    pair.heardAt = 10
    until(400)
    expect(doubts).toEqual([75, 175, 275, 375])
  })

  it('doubts a peer that is only told things and says nothing for 10 s', () => {
    const { add, use, state, doubts, pair } = setUp()
    use()
    pair.heardAt = 0
    state.now = 9_999
    add({ asks: false, key: -1, deadlineAt: 20_000 })
    expect(doubts).toEqual([])
    state.now = 10_000
    add({ asks: false, key: -2, deadlineAt: 20_000 })
    expect(doubts).toEqual([10_000])
  })

  it('close ends all, and none of those that wait begins', () => {
    const { add, use, settled, requests, pair, sent } = setUp({ pendingPerPeer: 1 })
    use()
    add()
    add()
    requests.close('over', 5)
    expect(settled).toEqual([
      [2, 'over'],
      [1, 'over'],
    ])
    expect([requests.size, requests.wakeAt, pair.users, sent.length]).toEqual([0, Number.POSITIVE_INFINITY, 0, 1])
  })

  it.each(['pending', 'pendingPerPeer'] as const)('refuses a limit %s that is none', (name) => {
    for (const limit of [0, Number.NaN, 1.5]) {
      expect(() => setUp({ [name]: limit })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error)
    }
  })
})
