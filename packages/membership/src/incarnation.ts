/**
 * Which word about a peer is newer (SWIM §4.2). An incarnation is a u48: the Unix second in which this run of the peer began, above a counter of its
 * own refutations (16 bits). The second makes it grow over restarts without anything that must be stored; a clock that was set back costs only the
 * time until others hear the peer itself, whose sealed word about its own run is believed whatever its number.
 *
 * At equal incarnation SUSPECT beats ALIVE, and LEAVE beats both.
 */
import { StatementKind } from './statements.js'

const COUNTER = 2 ** 16
const MAX_SECONDS = 2 ** 32

/** Of a run that begins at `unixMs`. */
export function firstIncarnation(unixMs: number): number {
  return (Math.max(0, Math.floor(unixMs / 1_000)) % MAX_SECONDS) * COUNTER
}

/** Which run of its peer an incarnation belongs to: the second in which that began, but for one refuted 65,536 times. */
export function runOf(incarnation: number): number {
  return Math.floor(incarnation / COUNTER)
}

export interface KnownWord {
  readonly incarnation: number
  /** Whether it said that it leaves, in that incarnation, and nothing came of it since. */
  readonly left: boolean
  /** The latest incarnation in which it said so. */
  readonly leftIn: number
}

/**
 * Whether a statement says more than is known of its subject. Who accuses is another question. A goodbye counts once: copies of it go round while
 * its peer may be back already, by a connection, which does not say in which incarnation.
 */
export function isNews(kind: StatementKind, incarnation: number, known: KnownWord): boolean {
  if (kind === StatementKind.ALIVE) return incarnation > known.incarnation
  if (kind === StatementKind.LEAVE) return incarnation >= known.incarnation && incarnation !== known.leftIn
  return incarnation > known.incarnation || (incarnation === known.incarnation && !known.left)
}
