/** What clients of the daemon are shown of the peer's objects: plain JSON-like values with stable member names. */

import type { ReceivedMessage } from '@pc/messaging'
import type { PeerView } from '@pc/peer'
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
