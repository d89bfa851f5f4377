/** From what a person types to one peer: full id, short id, label, or a unique start of a label or id. Pure. */
import { parseShortId } from '@pc/identity'
import { PeerError } from './errors.js'
import { fold } from './names.js'
import type { Selectable } from './view.js'

/** Fewer characters of an id are not taken for one: they would match by accident. */
const MIN_ID_PREFIX = 4

/** Candidates listed in an error; more would not help anybody to choose. */
const MAX_CANDIDATES = 10

/**
 * The one peer that `text` means. Exact matches win over starts; a bare name never chooses a peer whose name is not its own.
 * Throws PEER_NOT_FOUND or PEER_AMBIGUOUS, the latter with the candidates' labels.
 */
export function selectPeer<P extends Selectable>(peers: readonly P[], text: string): P {
  const wanted = fold(text.trim())
  if (wanted === '') throw new PeerError('PEER_NOT_FOUND', 'Expected the name or id of a peer, got nothing.')
  const prefix = parseShortId(wanted)
  const tries: ((peer: P) => boolean)[] = [
    (peer) => peer.id === wanted || fold(peer.label) === wanted,
    (peer) => prefix !== undefined && peer.id.startsWith(prefix),
    (peer) => startsLabel(peer, wanted) || (wanted.length >= MIN_ID_PREFIX && peer.id.startsWith(wanted)),
    // `anna~7k2` keeps meaning the same peer when its label has grown longer, or when the name became its own.
    (peer) => matchesNameAndId(peer, wanted),
  ]
  for (const matches of tries) {
    const [found, ...more] = peers.filter(matches)
    if (found === undefined) continue
    if (more.length > 0) throw ambiguous(text, [found, ...more])
    return found
  }
  const near = peers.filter((peer) => fold(peer.label).includes(wanted))
  throw new PeerError('PEER_NOT_FOUND', `No known peer is called ${JSON.stringify(text)}.`, {
    candidates: firstOf(near.length > 0 ? near : peers),
  })
}

/** A name that belongs to somebody else chooses only together with some of the id. */
function startsLabel({ label }: Selectable, wanted: string): boolean {
  const folded = fold(label)
  return folded.startsWith(wanted) && (!folded.includes('~') || /~./.test(wanted))
}

function matchesNameAndId(peer: Selectable, wanted: string): boolean {
  const at = wanted.lastIndexOf('~')
  if (at < 1 || at === wanted.length - 1) return false
  const [name = ''] = fold(peer.label).split('~')
  return name === wanted.slice(0, at) && peer.id.startsWith(wanted.slice(at + 1))
}

function ambiguous(text: string, found: readonly Selectable[]): PeerError {
  return new PeerError(
    'PEER_AMBIGUOUS',
    `${JSON.stringify(text)} fits ${found.length} peers; write more of the name, or use the id.`,
    {
      candidates: firstOf(found),
    },
  )
}

function firstOf(peers: readonly Selectable[]): Selectable[] {
  return [...peers].sort((a, b) => a.label.localeCompare(b.label)).slice(0, MAX_CANDIDATES)
}
