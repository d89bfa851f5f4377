/** What clients of the daemon are shown of the peer's objects: plain JSON-like values with stable member names. */
import type { GossipMessage } from '@pc/gossip'
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

/** Bytes of a body that fit into one frame of the local protocol as base64, with room for the rest; of longer ones the length is told. */
export const MAX_SHOWN_BODY = 700_000
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** News of another peer: `text`, or `base64` when the body is none; neither when it is too long to be shown. */
export function newsView(
  { id, topic, origin, body, createdAt, ageMs, hops }: GossipMessage,
  others: ReadonlyMap<string, PeerView>,
): { [key: string]: Value } {
  const from = origin.toString()
  const isShown = body.length <= MAX_SHOWN_BODY
  const text = isShown ? textOf(body) : undefined
  return {
    id: Buffer.from(id).toString('hex'),
    topic,
    from: { id: from, label: others.get(from)?.label ?? origin.short },
    text: text ?? null,
    base64: isShown && text === undefined ? Buffer.from(body).toString('base64') : null,
    bytes: body.length,
    createdAt,
    ageMs,
    hops,
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes)
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
