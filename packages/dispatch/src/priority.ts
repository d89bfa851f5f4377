/**
 * What is handled first when not everything can be: the lower number, then whoever came first. Append-only: a new class gets
 * the next number and is served last.
 */
export const Priority = {
  /** Answers to what this peer asked: dropping them wastes work already done. */
  OWN_REPLY: 0,
  /** Handshakes and resets: without them nothing else is proved. */
  SESSION: 1,
  /** Failure detection: late answers make living peers suspected. */
  MEMBERSHIP: 2,
  /** Cheap questions about what is here. */
  READ: 3,
  DISCOVERY: 4,
  GOSSIP: 5,
  /** Asks this peer to keep something. */
  STORE: 6,
  /** Work done for others that fans out. */
  SEARCH: 7,
} as const

export type Priority = (typeof Priority)[keyof typeof Priority]

/** How many classes there are. */
export const PRIORITIES: number = Object.keys(Priority).length

export function isPriority(value: unknown): value is Priority {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < PRIORITIES
}
