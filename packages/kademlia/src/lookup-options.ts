import { FIRST_TIMEOUT_MS } from '@pc/transport'
import type { Contact } from './contact.js'
import { KademliaError } from './errors.js'

export interface LookupOptions {
  /** Key of the own contact: it is not asked, whoever hints at it. @default nobody */
  self?: string | undefined
  /**
   * k: the lookup ends when so many of the nearest have answered. Nearly every one of them costs a request, so a smaller number is
   * cheaper, and misses more where peers are gone. 1 to 1000. @default 20
   */
  count?: number | undefined
  /**
   * alpha: requests of one path under way at a time, not counting slow ones and those of the last round. 2 saves one request of 22; 5
   * costs two more and saves a twentieth of the time. @default 3
   */
  parallelism?: number | undefined
  /**
   * d: disjoint paths (S/Kademlia §4.4). What an attacker answers misleads only the path that asked him. 4 cost 30 requests
   * instead of 22, 8 cost 42, in the same time; with a `parallelism` of 1 they cost 23 and 28 as long as all peers answer. 4 or 8 for what
   * attackers want to hide, 1 otherwise. 1 to 32. @default 1
   */
  paths?: number | undefined
  /**
   * So many contacts of one host are considered by one path, not counting failed ones, so that one machine with many ids does not fill
   * it. More where many peers share a host, as in tests on loopback. @default 2
   */
  perAddress?: number | undefined
  /**
   * Requests of one path: the end of a lookup whose answers never end. A network with half of its peers gone needs 50. When they are
   * used up the path ends with those that answered. @default 6 · count
   */
  maxRequests?: number | undefined
  /**
   * After how many ms without an answer of that contact a request is slow: its retransmission time-out, clamp(srtt + 4 · var, 10, 250 ms).
   * Asked once for each request. What is less than 1 ms counts as 1 ms. @default 25 ms
   */
  slowAfterMs?: ((contact: Contact) => number) | undefined
}

export interface ResolvedLookupOptions {
  readonly self: string | undefined
  readonly count: number
  readonly parallelism: number
  readonly paths: number
  readonly perAddress: number
  readonly maxRequests: number
  readonly slowAfterMs: (contact: Contact) => number
}

const MAX_COUNT = 1_000
const MAX_PATHS = 32

/** Fills in the defaults. @throws KademliaError BAD_OPTION */
export function resolveLookupOptions(options: LookupOptions): ResolvedLookupOptions {
  const count = checked('count', options.count ?? 20, MAX_COUNT)
  return {
    self: options.self,
    count,
    parallelism: checked('parallelism', options.parallelism ?? 3),
    paths: checked('paths', options.paths ?? 1, MAX_PATHS),
    perAddress: checked('perAddress', options.perAddress ?? 2),
    maxRequests: checked('maxRequests', options.maxRequests ?? 6 * count),
    slowAfterMs: options.slowAfterMs ?? (() => FIRST_TIMEOUT_MS),
  }
}

function checked(name: string, value: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value
  throw new KademliaError('BAD_OPTION', `${name} of a lookup is a whole number from 1 to ${most}, got ${value}`)
}
