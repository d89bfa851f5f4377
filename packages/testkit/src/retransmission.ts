import { happens } from './network-conditions.js'
import type { SeededRandom } from './seeded-random.js'

/** Linux's shortest retransmission timeout; a local network's own round trips never make it longer. */
export const FIRST_RETRANSMISSION_MS = 200
/** RFC 6298 §2.5 allows a limit of at least 60 s; Linux has 120. */
const LONGEST_RETRANSMISSION_MS = 120_000
/** Linux's tcp_retries2: with the waits above a connection is given up 924.6 s after the first packet that got lost. */
export const MAX_RETRANSMISSIONS = 15
/** What a segment carries on an Ethernet: 1,500 less the headers of IPv4 and TCP with timestamps. */
const SEGMENT_BYTES = 1_448

/** How long a sender waits for an acknowledgement before the retransmission number `attempt`, counted from 0 (RFC 6298 §5.5). */
export function retransmissionMs(attempt: number): number {
  return Math.min(FIRST_RETRANSMISSION_MS * 2 ** attempt, LONGEST_RETRANSMISSION_MS)
}

/** How often something of `bytes` must be sent again before all of it has arrived. */
export function drawLosses(loss: number, bytes: number, random: SeededRandom): number {
  if (loss === 0) return 0
  const anyOfThem = 1 - (1 - loss) ** Math.max(1, Math.ceil(bytes / SEGMENT_BYTES))
  if (!happens(anyOfThem, random)) return 0
  let losses = 1
  while (losses < MAX_RETRANSMISSIONS && happens(loss, random)) losses++
  return losses
}
