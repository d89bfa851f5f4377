import { createIdentity } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import type { PeerError } from './errors.js'
import { selectPeer } from './select.js'

const ids = Array.from({ length: 5 }, (_, seed) => createIdentity(new Uint8Array(32).fill(seed + 1)).id)
const [anna, impostor, annabel, bob, desk] = ids.map(String) as [string, string, string, string, string]
const labels = ['anna', `anna~${impostor.slice(0, 3)}`, 'annabel', 'Bob', 'Desk']
const peers = ids.map((id, index) => ({
  label: labels[index] ?? '',
  id: id.toString(),
  shortId: id.short,
  state: 'online' as const,
}))
const choose = (text: string): string => selectPeer(peers, text).id
const failure = (text: string): PeerError => {
  try {
    selectPeer(peers, text)
  } catch (error) {
    return error as PeerError
  }
  throw new Error(`${text} chose somebody`)
}

describe('selectPeer', () => {
  it.each([
    ['the exact name, though others begin with it', 'anna', anna],
    ['a name in other letters', 'bob', bob],
    ['a name with space around it', '  bob\t', bob],
    ['a unique start of a name', 'annab', annabel],
    ['the full id', desk, desk],
    ['the full id in capitals', desk.toUpperCase(), desk],
    ['a unique start of an id', desk.slice(0, 6), desk],
    ['four characters of an id', desk.slice(0, 4), desk],
    ['the short id', ids[4]?.short ?? '', desk],
    ['name and start of id', `anna~${impostor.slice(0, 3)}`, impostor],
    ['name and a longer start of id', `anna~${impostor.slice(0, 9)}`, impostor],
    ['name and id of the one who holds the name', `anna~${anna.slice(0, 5)}`, anna],
  ])('takes %s', (_, text, expected) => {
    expect(choose(text)).toBe(expected)
  })

  it('shows the candidates when several fit', () => {
    const error = failure('ann')
    expect(error.code).toBe('PEER_AMBIGUOUS')
    expect(error.candidates.map(({ label }) => label)).toEqual(['anna', 'annabel'])
  })

  it.each(['', '  ', 'zoe', 'anna~', '~', desk.slice(0, 3), `bob~${desk.slice(0, 4)}`])(
    'knows nobody called %j',
    (text) => {
      expect(failure(text).code).toBe('PEER_NOT_FOUND')
    },
  )

  it('lists those whose name contains the text when none fits, else everybody, by name', () => {
    expect(failure('nnab').candidates.map(({ label }) => label)).toEqual(['annabel'])
    expect(failure('zoe').candidates.map(({ label }) => label)).toEqual([...labels].sort((a, b) => a.localeCompare(b)))
  })

  it('lists ten candidates at most', () => {
    const [one] = peers
    const crowd = Array.from({ length: 30 }, (_, index) => ({
      ...one,
      id: `id-${index}`,
      label: `crowd-${index + 10}`,
    }))
    for (const text of ['crowd', 'zoe']) {
      const chosen = () => selectPeer(crowd as typeof peers, text)
      expect(chosen).toThrow(expect.objectContaining({ candidates: crowd.slice(0, 10) }))
    }
  })

  it('takes a full id for that peer, though somebody else calls itself so', () => {
    const [one] = peers.filter(({ id }) => id === bob)
    const impersonator = { ...one, label: `${desk}-really` } as (typeof peers)[number]
    expect(selectPeer([impersonator, ...peers.filter(({ id }) => id !== bob)], desk).id).toBe(desk)
  })

  it('takes a name of one character with the start of an id, and no id without a name', () => {
    const [one] = peers.filter(({ id }) => id === bob)
    const short = { ...one, label: 'b' } as (typeof peers)[number]
    expect(selectPeer([short], `b~${bob.slice(0, 5)}`).id).toBe(bob)
    expect(() => selectPeer([{ ...short, label: '' }], `~${bob.slice(0, 5)}`)).toThrow(/No known peer/)
  })

  it('never chooses another key by a name that is not its own', () => {
    const onlyImpostor = peers.filter(({ id }) => id === impostor)
    expect(() => selectPeer(onlyImpostor, 'anna')).toThrow(/No known peer/)
  })
})
