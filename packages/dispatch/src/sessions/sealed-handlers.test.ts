import { createTestLogger } from '@pc/testkit'
import { decodeValue, encodeValue, type Value } from '@pc/wire'
import { describe, expect, it } from 'vitest'
import { liveOf, pairOf } from '../../test/_util/live-sessions.js'
import { Dispatcher } from '../dispatcher.js'
import { DispatchError } from '../errors.js'
import { Priority } from '../priority.js'
import { noCounters } from '../requests-counters.js'
import type { LiveSession, Pair } from './live-session.js'
import { type DatagramEvent, SealedHandlers, type SealedHandlersOptions } from './sealed-handlers.js'
import { MessageKind, packDatagram, packWithId } from './sealed-message.js'
import type { Incoming } from './sessions.js'

type Answer = [kind: number | undefined, id: string, body: Value]

function setUp(options: Partial<SealedHandlersOptions> = {}) {
  const counters = noCounters()
  const answers: Answer[] = []
  const by: LiveSession[] = []
  const dispatcher = new Dispatcher<DatagramEvent, Value | undefined>({
    verb: 'datagram',
    authorize: ({ access }) => access === 'anyone',
  })
  const handlers = new SealedHandlers({
    dispatcher,
    counters,
    logger: createTestLogger(),
    limits: {},
    transmit: (live, { bytes }) => {
      by.push(live)
      answers.push([bytes[0], Buffer.from(bytes.subarray(1, 9)).toString('hex'), decodeValue(bytes.subarray(9))])
      return true
    },
    ...options,
  })
  const live = liveOf(pairOf(), { confirmed: true })
  live.pair.current = live
  const deliver = (incoming: Partial<Incoming>, now = 0, delayMs = 0) =>
    handlers.deliver({ live, rootCode: 0x80, message: request(1), early: false, bytes: 50, ...incoming }, now, delayMs)
  return { handlers, dispatcher, counters, answers, by, live, deliver }
}

const request = (id: number, body: Value = null): Uint8Array =>
  packWithId(MessageKind.REQUEST, new Uint8Array(8).fill(id), encodeValue(body))
const id = (n: number): string => `0${n}`.repeat(8)
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('SealedHandlers', () => {
  it('hands requests and datagrams to the handler of their root code, and answers requests alone', () => {
    const { handlers, answers, deliver, live } = setUp()
    const events: DatagramEvent[] = []
    handlers.register(0x80, { access: 'anyone' }, (event) => {
      events.push(event)
      return ['re', event.body]
    })
    expect(deliver({ message: request(1, 'a') })).toBe('handled')
    expect(deliver({ message: packDatagram(encodeValue('b')) })).toBe('handled')
    const { id: peer, address } = live.pair
    const common = { peer, header: '0x80', rootCode: 0x80, early: false, address }
    expect(events).toEqual([
      { ...common, body: 'a', asks: true },
      { ...common, body: 'b', asks: false },
    ])
    expect(answers).toEqual([[MessageKind.REPLY, id(1), ['re', 'a']]])
  })

  it('answers nil for nothing', () => {
    const { handlers, answers, deliver } = setUp()
    handlers.register(0x80, { access: 'anyone' }, () => undefined)
    deliver({})
    expect(answers).toEqual([[MessageKind.REPLY, id(1), null]])
  })

  it('answers what goes wrong by number, and nothing of the insides', async () => {
    const { handlers, answers, deliver, counters } = setUp()
    handlers.register(0x80, { access: 'anyone' }, () => {
      throw new Error('secret')
    })
    handlers.register(0x81, { access: 'trusted' }, () => null)
    handlers.register(0x82, { access: 'anyone', concurrency: 1, queue: 0 }, () => new Promise(() => {}))
    handlers.register(0x83, { access: 'anyone' }, () => new Uint8Array(1_200))
    handlers.register(0x84, { access: 'anyone' }, () => (() => {}) as unknown as Value)
    handlers.register(0x85, { access: 'anyone' }, () => Promise.reject(new Error('secret')))
    const outcomes = [0x80, 0x81, 0x82, 0x82, 0x83, 0x84, 0x85, 0x99].map((rootCode, n) =>
      deliver({ rootCode, message: request(n + 1) }),
    )
    expect(outcomes).toEqual([
      'handlerFailed',
      'denied',
      'handled',
      'busy',
      'handled',
      'handled',
      'handled',
      'noHandler',
    ])
    await settle()
    expect(answers.map(([kind, which, body]) => [kind, which, (body as Value[])[0]])).toEqual([
      [MessageKind.ERROR, id(1), 5],
      [MessageKind.ERROR, id(2), 2],
      [MessageKind.ERROR, id(4), 3],
      [MessageKind.ERROR, id(5), 11],
      [MessageKind.ERROR, id(6), 5],
      [MessageKind.ERROR, id(8), 1],
      [MessageKind.ERROR, id(7), 5],
    ])
    expect(JSON.stringify(answers)).not.toContain('secret')
    expect(counters.handlerFailed).toBe(1)
  })

  it('answers an error whose text has no form on the wire', async () => {
    const { handlers, answers, deliver } = setUp()
    const target = { dispatch: () => Promise.reject(new DispatchError('DENIED', 'half \ud800 of a character')) }
    handlers.register(0x80, { access: 'anyone' }, target)
    deliver({})
    await settle()
    expect(answers).toEqual([[MessageKind.ERROR, id(1), [2, 'half \ufffd of a character']]])
  })

  it('runs a request once: what comes again is answered again, and not while it is being served', async () => {
    const { handlers, answers, deliver } = setUp()
    let finish: (value: Value) => void = () => {}
    let runs = 0
    handlers.register(0x80, { access: 'anyone' }, () => {
      runs++
      return new Promise<Value>((resolve) => {
        finish = resolve
      })
    })
    expect([deliver({}), deliver({})]).toEqual(['handled', 'repeated'])
    expect(answers).toEqual([])
    finish('done')
    await settle()
    expect(deliver({})).toBe('repeated')
    expect(answers).toEqual([
      [MessageKind.REPLY, id(1), 'done'],
      [MessageKind.REPLY, id(1), 'done'],
    ])
    expect(runs).toBe(1)
  })

  it('runs it once though it comes again by another session, from another address, or later', () => {
    const { handlers, answers, by, deliver } = setUp()
    let runs = 0
    handlers.register(0x80, { access: 'anyone' }, () => ++runs)
    deliver({})
    const elsewhere = liveOf(pairOf(1, '10.0.0.99'), { confirmed: true })
    expect(deliver({ live: elsewhere })).toBe('repeated')
    expect([runs, answers.length, by.at(-1)]).toEqual([1, 2, elsewhere])
    expect(deliver({ live: liveOf(pairOf(2), { confirmed: true }) })).toBe('handled')
    expect(runs).toBe(2)
  })

  it('runs what bears repetition again', () => {
    const { handlers, deliver } = setUp()
    let runs = 0
    handlers.register(0x80, { access: 'anyone', idempotent: true }, () => ++runs)
    expect([deliver({}), deliver({})]).toEqual(['handled', 'handled'])
    expect(runs).toBe(2)
  })

  it('runs of first messages only what bears repetition, and charges nobody for them', () => {
    const { handlers, deliver, live, counters } = setUp({ limits: { packets: { ratePerSecond: 1, burst: 1 } } })
    const ran: number[] = []
    handlers.register(0x80, { access: 'anyone' }, ({ rootCode }) => ran.push(rootCode))
    handlers.register(0x81, { access: 'anyone', idempotent: true }, ({ rootCode }) => ran.push(rootCode))
    expect(deliver({ early: true })).toBe('early')
    for (let n = 0; n < 10; n++) expect(deliver({ early: true, rootCode: 0x81 })).toBe('handled')
    expect([ran.length, live.pair.quota, counters.peerLimit]).toEqual([10, undefined, 0])
    expect(deliver({ rootCode: 0x81 })).toBe('handled')
    expect(deliver({ rootCode: 0x81 })).toBe('peerLimit')
  })

  it('charges a peer for what nobody handles too, and answers no more then', () => {
    const { answers, deliver } = setUp({ limits: { packets: { ratePerSecond: 1, burst: 2 } } })
    expect([1, 2, 3].map((n) => deliver({ message: request(n) }))).toEqual(['noHandler', 'noHandler', 'peerLimit'])
    expect(answers).toHaveLength(2)
  })

  it('sheds by class when the process is behind, before anything is decoded or remembered', () => {
    const { handlers, deliver } = setUp()
    handlers.register(0x02, { access: 'anyone' }, () => null)
    handlers.register(0x04, { access: 'anyone' }, () => null)
    handlers.register(0x90, { access: 'anyone', priority: Priority.SEARCH }, () => null)
    const behind = (rootCode: number, delayMs: number) =>
      deliver({ rootCode, message: request(rootCode & 7) }, 0, delayMs)
    expect([behind(0x90, 51), behind(0x02, 51)]).toEqual(['shed', 'handled'])
    expect([behind(0x02, 101), behind(0x04, 9_999)]).toEqual(['shed', 'handled'])
    expect(behind(0x90, 0)).toBe('handled')
  })

  it('hands on no body that is none', () => {
    const { handlers, deliver } = setUp()
    handlers.register(0x80, { access: 'anyone' }, () => null)
    const broken = packWithId(MessageKind.REQUEST, new Uint8Array(8), Uint8Array.of(0xc1))
    expect(deliver({ message: broken })).toBe('decode')
    expect(deliver({ message: packDatagram(new Uint8Array(0)) })).toBe('decode')
  })

  it('answers by the session that has taken the place of the one that asked', async () => {
    const { handlers, by, deliver, live } = setUp()
    const finish: ((value: Value) => void)[] = []
    handlers.register(0x80, { access: 'anyone' }, () => new Promise<Value>((resolve) => finish.push(resolve)))
    for (const n of [1, 2]) deliver({ message: request(n) })
    const { pair } = live
    const newer = (): LiveSession => liveOf(pair, { confirmed: true })
    pair.previous = live
    pair.current = newer()
    finish[0]?.('while it is the one before')
    await settle()
    pair.previous = pair.current
    pair.current = newer()
    finish[1]?.('when it has gone')
    await settle()
    expect(by).toEqual([live, pair.current])
  })

  it('answers by a session that nobody has used yet what came with its first message', () => {
    const { handlers, by, deliver, live } = setUp()
    handlers.register(0x81, { access: 'anyone', idempotent: true }, () => null)
    const next = liveOf(live.pair)
    live.pair.next = next
    deliver({ live: next, early: true, rootCode: 0x81 })
    expect(by).toEqual([next])
  })

  it.each([0x01, 0x05, 0x7f, 0x100, -1, 1.5, Number.NaN])('has no handler for the root code %d', (rootCode) => {
    const { handlers } = setUp()
    const register = () => handlers.register(rootCode, { access: 'anyone' }, () => null)
    expect(register).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error)
  })

  it('has one handler per root code, until that is taken away', () => {
    const { handlers, deliver } = setUp()
    const away = handlers.register(0x80, { access: 'anyone' }, () => null)
    expect(() => handlers.register(0x80, { access: 'anyone' }, () => null)).toThrow(
      expect.objectContaining({ code: 'HANDLER_EXISTS' }) as Error,
    )
    away()
    expect(deliver({})).toBe('noHandler')
    const again = handlers.register(0x80, { access: 'anyone' }, () => null)
    away()
    expect(deliver({ message: request(2) })).toBe('handled')
    again()
  })

  it('refuses wrong limits when it is made', () => {
    expect(() => setUp({ limits: { packets: { ratePerSecond: 0, burst: 1 } } })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  })
})

describe('SealedHandlers and pairs', () => {
  it('keep one quota for a pair', () => {
    const { handlers, deliver, live } = setUp()
    handlers.register(0x80, { access: 'anyone', idempotent: true }, () => null)
    deliver({})
    const { quota } = live.pair as Pair
    deliver({})
    expect(live.pair.quota).toBe(quota)
  })
})
