/** What clients of the daemon are shown of the peer's objects: plain JSON-like values with stable member names. */
import { PeerId, type SignedPeerRecord } from '@pc/identity'
import type { ReceivedMessage } from '@pc/messaging'
import type { Peer, PeerView } from '@pc/peer'
import { formatAddress } from '@pc/transport'
import type { Value } from '@pc/wire'
import { toJsonValue } from './json.js'

export function peerView(peer: PeerView): { [key: string]: Value } {
  return {
    label: peer.label,
    name: peer.name,
    nameVerified: peer.nameVerified,
    id: peer.id,
    shortId: peer.shortId,
    state: peer.state,
    addresses: [...peer.addresses],
    since: peer.since,
    lastSeenAt: peer.lastSeenAt ?? null,
    roundTripMs: peer.roundTripMs ?? null,
    reason: peer.reason ?? null,
  }
}

/** Everybody known here by id; of many peers each is looked for. */
export function knownPeers(self: Peer): ReadonlyMap<string, PeerView> {
  return new Map(self.peers().map((peer) => [peer.id, peer]))
}

/** What a peer of the lists says of itself; label and state where it is known here. */
export function recordView(
  { id, name, addresses, capabilities }: SignedPeerRecord,
  self: Peer,
  others: ReadonlyMap<string, PeerView>,
): {
  label: string
  name: string
  id: string
  shortId: string
  state: string | null
  self: boolean
  addresses: string[]
  capabilities: string[]
} {
  const text = id.toString()
  const known = others.get(text)
  return {
    label: known?.label ?? name,
    name,
    id: text,
    shortId: id.short,
    state: known?.state ?? null,
    self: id.equals(self.id),
    addresses: addresses.map(formatAddress),
    capabilities: [...capabilities],
  }
}

/** Undefined for bytes that are no key: a hint that nobody proved. */
export function idOfBytes(bytes: Uint8Array): PeerId | undefined {
  try {
    return PeerId.fromBytes(bytes)
  } catch {
    return undefined
  }
}

export function messageView(message: ReceivedMessage, label?: string): { [key: string]: Value } {
  const from = message.from.toString()
  const text = message.type === 'text' && typeof message.payload === 'string' ? message.payload : null
  return {
    sequence: message.sequence,
    id: message.id,
    from: { id: from, label: label ?? from },
    type: message.type,
    text,
    payload: text === null ? toJsonValue(message.payload) : null,
    sentAt: message.sentAt,
    receivedAt: message.receivedAt,
    verified: message.verified,
  }
}
