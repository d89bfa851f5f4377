/**
 * Where the lists of peers are: 20 positions spread evenly over the ring of 2^256, the i-th at i · 2^256 / 20, rounded down. A peer is on
 * the list nearest to it around the ring, so each list has a twentieth of all peers. By XOR, the distance of everything else here, it would
 * not: 20 is no power of two, so some lists would get twice as many peers as others. Who holds a list is a matter of XOR as ever.
 */
import { POSITION_BYTES, type Position } from './position.js'

export const LIST_COUNT = 20
/**
 * Peers nearest to a list that hold it. Fewer than hold a record, since everybody stores its entry every 4 minutes and it is there again after
 * as long: of 8 holders all are gone when half of the peers crash at once for one list in 256. Twice as many cost twice as much, for ever.
 */
export const LIST_HOLDERS = 8
/** So much of a position decides; the product with 20 is still exact in a double. */
const DECIDING_BYTES = 6
const SCALE = 2 ** (8 * DECIDING_BYTES)

/** The key of each list. Shared: do not write into them. */
export const LIST_KEYS: readonly Position[] = Array.from({ length: LIST_COUNT }, (_, list) => {
  const hex = ((BigInt(list) << 256n) / BigInt(LIST_COUNT)).toString(16)
  return Buffer.from(hex.padStart(2 * POSITION_BYTES, '0'), 'hex')
})

/** The list of a peer at that position, 0 to 19. Its first 48 bits decide; half way between two keys it is the higher one. */
export function listOf(position: Position): number {
  let head = 0
  for (let index = 0; index < DECIDING_BYTES; index++) head = 256 * head + (position[index] ?? 0)
  return Math.floor((head * LIST_COUNT) / SCALE + 0.5) % LIST_COUNT
}
