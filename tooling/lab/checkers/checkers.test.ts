/** Each checker holds for a history that is right, and fails for one that is wrong in just its point. */
import { describe, expect, it } from 'vitest'
import { type Attempt, type Execution, emptyHistory, type History, type Presence, type Stored } from '../history.js'
import { CHECKERS } from './index.js'

const attempt = (fields: Partial<Attempt> = {}): Attempt => ({
  kind: 'message',
  number: 1,
  from: 'anna#1',
  to: 'ben',
  at: 100,
  timeoutMs: 1_000,
  outcome: 'done',
  settledAt: 110,
  tookMs: 10,
  ...fields,
})

const stored = (fields: Partial<Omit<Stored, 'claims'>> & Partial<Stored['claims']> = {}): Stored => {
  const { by = 'ben#1', at = 105, id = `id${fields.number ?? 1}`, provedFrom = 'anna' } = fields
  const { from = 'anna#1', to = 'ben', number = 1 } = fields
  return { by, at, id, provedFrom, claims: { from, to, number } }
}

const execution = (fields: Partial<Execution> = {}): Execution => {
  const { by, at, provedFrom, claims } = stored()
  return { by, at, provedFrom, claims, ...fields }
}

const presence = (...kinds: Presence['kind'][]): Presence[] =>
  kinds.map((kind, index) => ({ by: 'anna#1', about: 'ben', at: index, kind }))

const right: History = {
  ...emptyHistory(),
  attempts: [
    attempt(),
    attempt({ number: 2, kind: 'request' }),
    attempt({ number: 3, outcome: { rejected: 'PEER_OFFLINE' } }),
  ],
  stored: [stored(), stored({ number: 3, id: 'id3' })],
  inboxes: new Map([['ben#1', ['id1', 'id3']]]),
  executions: [execution({ claims: { from: 'anna#1', to: 'ben', number: 2 } })],
  presence: presence('up', 'checking', 'up', 'offline', 'back', 'offline', 'forgotten', 'up'),
  loads: [{ by: 'anna#1', at: 1, what: 'timers', value: 5, limit: 5 }],
  shown: [{ by: 'anna#1', at: 1, id: 'key-of-ben', name: 'ben' }],
  ids: new Map([['key-of-ben', 'ben']]),
}

const WRONG: Readonly<Record<string, readonly Partial<History>[]>> = {
  'messages of a sender are stored in its order': [{ stored: [stored({ number: 3 }), stored({ number: 1 })] }],
  'nothing is stored twice in a life': [
    { stored: [stored(), stored({ id: 'another' })] },
    { stored: [stored(), stored({ number: 2, id: 'id1' })] },
  ],
  'what is acknowledged is stored': [{ stored: [] }, { stored: [stored({ by: 'carl#1' })] }],
  'the inbox holds what the journal was shown': [
    { inboxes: new Map([['ben#1', ['id1']]]) },
    { inboxes: new Map([['ben#1', ['id3', 'id1']]]) },
    { inboxes: new Map([['carl#1', ['id9']]]) },
  ],
  'messages and requests are from the peer that sent them': [
    { stored: [stored({ provedFrom: 'carl' })] },
    { stored: [stored({ to: 'carl' })] },
    { executions: [execution({ provedFrom: 'carl' })] },
  ],
  'every call settles': [{ attempts: [attempt({ outcome: 'pending' })] }],
  'every call settles by its deadline': [{ attempts: [attempt({ tookMs: 1_021 })] }],
  'rejections carry a code': [{ attempts: [attempt({ outcome: { rejected: undefined } })] }],
  'a request is executed at most once, and its own answer comes back': [
    { executions: [...right.executions, ...right.executions.map((one) => ({ ...one, by: 'ben#2' }))] },
    { executions: [] },
    { attempts: [attempt({ kind: 'request', number: 2, wrongAnswer: '7' })] },
  ],
  'presence events alternate legally': [
    { presence: presence('up', 'up') },
    { presence: presence('up', 'back') },
    { presence: presence('checking') },
    { presence: presence('up', 'offline', 'up') },
    { presence: [{ by: 'anna#1', about: 'ben', at: 1, kind: 'known', state: 'online' }, ...presence('up')] },
  ],
  'only proved ids are shown, under their own names': [
    { shown: [{ by: 'anna#1', at: 1, id: 'key-of-ben', name: 'carl' }] },
    { shown: [{ by: 'anna#1', at: 1, id: 'made-up', name: 'ben' }] },
  ],
  'queues and timers are bounded': [{ loads: [{ by: 'anna#1', at: 1, what: 'timers', value: 6, limit: 5 }] }],
}

describe.each(Object.entries(CHECKERS))('the checker "%s"', (name, check) => {
  it('finds nothing in a history that is right', () => {
    expect(check(right)).toEqual([])
  })

  it('finds what is wrong, once', () => {
    const cases = WRONG[name] ?? []
    expect(cases.length).toBeGreaterThan(0)
    for (const wrong of cases) expect(check({ ...right, ...wrong })).toHaveLength(1)
  })
})

describe('lives', () => {
  it('forgives a life that was cut off what it was never told', () => {
    const history = { ...right, attempts: [attempt({ outcome: 'pending' })], cutOff: new Set(['anna#1']) }
    expect(CHECKERS['every call settles']?.(history)).toEqual([])
  })

  it('lets a machine that stood still be late by as much', () => {
    const history = { ...right, attempts: [attempt({ tookMs: 1_500 })], stalledMs: new Map([['anna#1', 600]]) }
    expect(CHECKERS['every call settles by its deadline']?.(history)).toEqual([])
  })

  it('allows the same number at another life of the receiver', () => {
    const history = { ...right, stored: [stored(), stored({ by: 'ben#2' })] }
    expect(CHECKERS['nothing is stored twice in a life']?.(history)).toEqual([])
  })
})
