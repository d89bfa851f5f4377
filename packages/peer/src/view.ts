/** One peer of the network as a program or a person sees it: facts of the peer book, verdict of membership, and the label. */
import type { PeerId } from '@pc/identity'
import type { Member } from '@pc/membership'
import { type Address, formatAddress } from '@pc/transport'
import type { NamePins } from './names.js'

export interface PeerView {
  /** What people see: the name when it is pinned to this id, else `name~start-of-id`. */
  readonly label: string
  readonly name: string
  /** False when another id holds the name: then only the label or the id chooses this peer. */
  readonly nameVerified: boolean
  /** Full text form. */
  readonly id: string
  readonly shortId: string
  readonly peerId: PeerId
  readonly state: Member['state']
  /** Best first. */
  readonly addresses: readonly string[]
  /** Unix ms of the last change of state. */
  readonly since: number
  /** Unix ms of the last sign of life. */
  readonly lastSeenAt: number
  /** Of the last ping. */
  readonly roundTripMs?: number
  /** Why it is not online. */
  readonly reason?: string
}

/** What of a peer can be meant, and is shown when it is not clear who is. */
export type Selectable = Pick<PeerView, 'label' | 'id' | 'shortId' | 'state'>

export function viewOf(
  member: Member,
  pins: NamePins,
  rivals: readonly PeerId[],
  addresses: readonly Address[],
): PeerView {
  const { peer, record } = member
  return {
    label: pins.label(record.name, peer, rivals),
    name: record.name,
    nameVerified: pins.holds(record.name, peer),
    id: peer.toString(),
    shortId: peer.short,
    peerId: peer,
    state: member.state,
    addresses: addresses.map(formatAddress),
    since: member.since,
    lastSeenAt: member.lastSeenAt,
    ...(member.roundTripMs === undefined ? {} : { roundTripMs: member.roundTripMs }),
    ...(member.reason === undefined ? {} : { reason: member.reason }),
  }
}

const ORDER: Readonly<Record<Member['state'], number>> = { online: 0, checking: 1, offline: 2 }

/** Online first, then by label. */
export function byStateThenLabel(a: PeerView, b: PeerView): number {
  return ORDER[a.state] - ORDER[b.state] || a.label.localeCompare(b.label)
}
